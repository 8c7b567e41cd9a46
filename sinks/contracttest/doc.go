// Package contracttest is the one suite that every kind of sink must pass. A
// kind calls it in a few lines:
//
//	func TestContract(t *testing.T) {
//		contracttest.Run(t, contracttest.Kind{Build: build, Deliver: ok, Refuse: bad})
//	}
//
// It delivers through a real outbound.Client to a loopback server and holds the
// sink to the contract of sinks/contract: stable ids, pure rendering, the common
// reading of answers, hostile records, and no secret in anything that is kept
// or printed.
//
// It is test code and part of no binary.
package contracttest
