// Package repair reads SQLite files of the embedded store that are damaged, or may be.
//
//   - Check says what is damaged, Salvage saves what can be read into a new file, and
//     Backup copies a spool, beside a running server as well. They are the commands
//     `cdrelay spool`.
//   - Tool is what a store does with its own file: ReadWAL before it is opened, and
//     SetAside where it is damaged.
//
// A damaged file is never changed in its content and never removed: it is kept under
// another name, with the WAL as it was found. The new file takes its place only when
// it is whole, so that a crash at any moment leaves one of them to go on from. What was
// lost is counted and named in the table set_aside. docs/decisions/repair.md says why.
//
// Check and Salvage are for a spool that nobody has open, and hold its lock. The files
// are: wal.go and mend.go read and write WALs, rescue.go and pace.go copy rows and
// remember how far that has come, salvage.go puts files in each other's place, check.go
// and invariants.go look without a change.
package repair
