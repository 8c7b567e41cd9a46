// Package app wires the parts of cdrelay together and owns their life: start in
// the order in which calls need them, reload, stop in the reverse order.
//
// It guarantees:
//
//   - New does all that can fail; when it returns, both listeners are bound and
//     nothing is served yet. Run serves until its context ends and stops within
//     shutdown.delay and shutdown.grace;
//   - at the end intake stops first, then attempts on their way get the grace
//     time, and all that was settled is committed before the spool closes;
//   - Reload does all that can fail before it changes anything, and does not
//     touch the lanes of sinks whose configuration and secrets are the same.
package app
