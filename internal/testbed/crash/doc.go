// Package crash proves the promises of the spool on the real binary: it holds
// tests only, and nothing imports it.
//
// What the harness does and promises:
//
//   - The binary is the real one, with a real file: the one that CDRELAY_BINARY
//     names, or one that is built once for all tests of the package. Nothing inside
//     it knows that it is tested. `make verify` names one with the race detector,
//     whose complaints fail a test; tests named …NoRace, which measure memory and
//     speed, meet the one that is shipped.
//   - The generator posts both vendors' callbacks over several connections: new
//     calls, new revisions, repeats; it notes each answer 200. A callback
//     without an answer it posts again, as the platforms do, or gives up.
//   - The sinks note each request before they answer it. One is well, one fails
//     at random and refuses some calls for good, one is away at times.
//   - A kill is SIGKILL at a random moment: serving, starting, stopping. The
//     next process gets the same file.
//   - In the end every acknowledged (call, revision, sink) was delivered or is a
//     dead letter, as the admin API lists them. No content got two revisions, and
//     no sink saw a revision before an older one.
//   - Duplicates are counted, and each must have its kill: the delivery before it
//     was in flight at the kill, or answered within 100 ms and the time of one
//     commit before it. What one commit takes is read from the callbacks: the
//     slowest answer of the second before the kill. What the machine could not
//     run in time is measured too and allowed for.
//   - A power cut ends a process on a disk of internal/faultfs in place of a
//     random write, sync or change of a name: what was not synced is lost, torn or
//     reordered. All else is as after a kill. So it is while a start salvages a
//     damaged file, and while history is purged.
//   - The disk of a process that serves becomes full, read-only or broken, and
//     well again, and then loses its power.
//   - The files of a process that serves are removed and moved; it puts them back,
//     and is killed after that.
//   - The clock of a real process is set by days while it runs, by a few bytes in
//     its vDSO; schedules, pauses and retention are watched.
//   - Hostile senders and sinks meet a real process beside healthy ones, whose
//     rate, latency and memory are watched.
//
// Times, bodies and moments come from one seed, which every run logs.
// CDRELAY_CRASH_SEED repeats it as far as two processes can be repeated;
// CDRELAY_CRASH_KILLS sets the number of kills, CDRELAY_CRASH_CUTS that of power
// cuts, of which a quarter each is made again during salvages and purges, and one
// round of failing disks is run for 20 cuts. All traffic is on loopback.
package crash
