// Package delivery brings what the spool owes to the sinks: one Lane for each
// sink, with its own workers, its own outbound client and breaker, its own rate
// and its own pause, so that no sink can slow another.
//
// A lane leases deliveries, asks its sink for the request, lets the outbound
// client make one exchange (with quick tries and the breaker inside) and does
// what the outcome calls for. It is the one place that decides when a delivery
// is tried again:
//
//	delivered                        settled
//	paused (the sink asked for it)   the lane rests, durably, and no attempt is
//	                                 spent; or the pause is the delivery's own
//	unwell, timeout, connect,        scheduled again with full jitter, or buried
//	credentials                      as expired when it is too old by now, or as
//	                                 failing when it was in doubt too often
//	rejected                         buried as rejected
//	the request cannot be rendered   buried as render
//	breaker open, canceled           given back as it was
//
// While the breaker is open the lane is parked: nothing is leased and nothing is
// scheduled again; when it may be probed, one real delivery does it. A probe that
// fails ends all that is older than give_up_after in the lane, in small steps, and
// so does an ask for a pause that is everybody's. Age alone ends nothing: not at
// start, not in an operator's pause.
//
// One call costs no other, whatever the sink answers to it: see proof (doubt.go),
// opinions (opinion.go) and quota (quota.go), and in other packages the breaker of
// outbound and the dealer of spool (places.go).
//
// One goroutine, the dispatcher, leases and hands out; as many workers as the
// concurrency make the attempts, probes too. A delivery is leased only when the
// rate lets it go at once, so what is in memory is on its way or about to be. A
// lane that has nothing to do looks at the store a few times a minute.
//
// A Lane is started once and stopped once. Its methods are safe for concurrent
// use.
package delivery
