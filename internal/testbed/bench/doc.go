// Command bench measures cdrelay against its budgets and against programs that
// do less. `make bench`, `make bench-growth` and `make bench-docs` run it.
//
// How it measures:
//
//   - The binary is the real one, as `make build` makes it, with a real file on
//     the disk of the work tree. Nothing inside it knows that it is measured.
//   - Generator, sink and the rivals (package peer) are processes of their own:
//     this program, started again under another name of command. The rivals get
//     the settings of the garbage collector that cdrelay reports of itself.
//   - Two sides are measured in turn, A B A B A B, the one that rests stopped by
//     SIGSTOP. A figure is the median of its rounds, a ratio the median of the
//     rounds' ratios; the least and the greatest are shown beside it. So a
//     machine that is busy for a while disturbs both sides alike.
//   - A delivery counts when the sink has it, each call once; a round lasts until
//     all are there. A round in which a request was not answered 200 is an error.
//   - Work is counted in CPU-seconds of the process as the kernel has them, so
//     that it hardly depends on what else the machine does.
//
// Figures are written as JSON and Markdown to bin/bench; `bench docs` sets them
// into docs/performance.md between its markers, so that no number is copied by
// hand. All traffic is on loopback, and everything is bounded in time.
package main
