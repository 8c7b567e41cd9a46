// Package tally counts what happened lately: in the last five minutes, the last hour
// and the last day, by kind, with how long it took.
//
// It guarantees:
//
//   - its memory is fixed, about 28 KiB for a Tally, however much is counted;
//   - it measures time by the monotonic clock, so that setting the wall clock changes
//     no count;
//   - each Count says since when it counts: a Tally begins empty at a start.
//
// Times are kept coarsely: a quantile is within a fifth of the true one.
//
// A Tally may be used concurrently.
package tally
