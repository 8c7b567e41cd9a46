// Package operate is what operators do with calls and dead letters: search, look
// into, replay, purge, resend, pause, erase, explain, and the status of the whole,
// how each sink and source is, and the advice on what to do. It is written once for
// the API, the page and the commands: the first two call it, the third read its types
// from the API.
//
// It guarantees:
//
//   - the JSON of its types is the form of the API;
//   - a replay and a purge work through what was selected when they began, in steps of
//     a bounded size, oldest first where a filter selects; what they have done stays
//     done when they are cut off;
//   - a callback that still cannot be understood stays, with the reason of today, and
//     keeps no other one from being replayed;
//   - each change is logged once, with the surface that it came through.
//
// It decides nothing about calls: intake converts, route chooses, delivery delivers,
// the store keeps. An Operator may be used concurrently and has no state of its own.
package operate
