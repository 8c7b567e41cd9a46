// Package peer holds the processes that stand around cdrelay in a benchmark:
// the generator, the sink, and the two programs that cdrelay is compared with, a
// bare handler and a reverse proxy. Each is a process of its own, so that its
// cost is told apart from that of the program that is measured.
//
// The generator and the sink speak HTTP/1.1 over plain connections and read no
// more of it than they need: on two cores what they cost is taken from what is
// measured. Both sides of every comparison get the same two. They trust their
// other side, and are of no use but here.
//
// A call is known by its number, which stands in its body behind Mark. The sink
// counts numbers, not requests, so that a repeated delivery is not counted.
//
// Where a body has a caller who begins with Caller and goes on with zeros, each
// call has another one: what a telephone number costs to read and to index is not
// seen when all calls have the same.
package peer

import "strings"

// Mark stands before the number of a call, which has Digits digits.
const Mark = "bench-"

// Digits is the length of a call's number.
const Digits = 10

// Caller is the begin of a caller's telephone number, a mobile of Hong Kong, which
// has callerDigits more.
const Caller = "8526"

const callerDigits = 7

// NoCaller is the caller in whose place the generator puts another.
func NoCaller() string { return Caller + strings.Repeat("0", callerDigits) }

// CallerOf is the telephone number of a call's caller. Calls that follow each
// other have numbers far from each other, as in life.
func CallerOf(number int64) string {
	digits := []byte(NoCaller())
	setCaller(digits[len(Caller):], number)
	return string(digits)
}

func setCaller(digits []byte, number int64) {
	const scatter, numbers = 7919, 1e7 // that have no common divisor
	setDigits(digits, number%numbers*scatter%numbers)
}

// setDigits writes a number with leading zeros.
func setDigits(digits []byte, number int64) {
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + number%10)
		number /= 10
	}
}
