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
package peer

// Mark stands before the number of a call, which has Digits digits.
const Mark = "bench-"

// Digits is the length of a call's number.
const Digits = 10
