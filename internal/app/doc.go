// Package app wires the parts of cdrelay together and owns their life: start in
// the order in which calls need them, reload, stop in the reverse order.
//
// It guarantees:
//
//   - Serve is the whole life, and bounds it: it ends within shutdown.delay and
//     shutdown.grace after its context, also while the server starts, and whatever a
//     reload, a disk or a sink is doing;
//   - New does all that can fail; when it returns, both listeners are bound, the
//     private one answers and lanes deliver. Run answers callbacks until its context
//     ends;
//   - at the end intake stops first, then attempts on their way get the grace
//     time, and all that was settled is committed before the spool closes;
//   - Reload does all that can fail before it changes anything, then switches, and
//     waits for nothing after that: each sink that has changed is replaced on its
//     own, and the others are not touched.
package app
