// Package sqlite is the embedded store: it keeps calls, the deliveries owed for
// them, and dead letters in one SQLite file. What every store guarantees is said in
// package spool; this comment says how this one does it, and what it adds.
//
// # Guarantees
//
//   - When Accept returns without an error, the call and all its deliveries are
//     committed and synced in one transaction. All writes go through one
//     goroutine that commits all that waits as one transaction (group commit):
//     alone a callback waits for nobody, under load the next group gathers
//     while the last one syncs.
//   - A delivery ends delivered, or as a dead letter, or waits. What a lane
//     reports of its attempts is committed with the next group, 50 ms later at
//     most; a crash repeats what was not yet committed and loses nothing.
//   - Memory does not grow with the backlog: a lane leases a few deliveries at a
//     time, everything else stays in the file. What is leased over all lanes is
//     bounded in bytes, counted before a record is read (cost.go).
//   - Leases live in memory. After a crash all waiting work is free at once.
//   - Lanes do not disturb each other: each has its own range of one partial
//     index that holds waiting deliveries only, so neither history nor another
//     lane's backlog costs a lane anything.
//   - No revision of a call is leased while an older one waits in the same lane.
//   - One process owns a spool: a lock file beside it, and a lock on the file itself,
//     are held while it is open. What is no spool and never was one is refused.
//   - A file that is removed, moved or replaced while it is open is noticed before
//     anything that was committed since is acknowledged, and is saved at its path
//     from the open descriptors (place.go, restore.go).
//   - Damaged data is set aside and counted, never erased. A damaged file is kept
//     as <path>.damaged-<time>; what can be read of it is saved into a new one
//     first (<path>.salvaged until it is whole). Damage met while running is
//     dealt with in the same way without a restart (reopen.go): meanwhile no call
//     is taken, and lanes keep what they have leased. The mark <path>.suspect lets
//     a start check the whole file, should the process end before. After each start
//     the file is checked while the spool works (background.go); before that its WAL
//     is read for damage that SQLite takes for its end (wal.go). A file that is
//     empty or gone is never taken for a new one: new ones are made under another
//     name.
//   - One source fills at most three quarters of max_bytes with what retention does
//     not erase; beyond that it alone gets ErrUnavailable with ErrShare.
//   - A disk that holds less than max_bytes bounds the spool as max_bytes does, and a
//     reserve on it lets history be erased when nothing else has room (space.go,
//     reserve.go).
//   - A full or failing disk returns ErrUnavailable; nothing is half kept, and
//     the spool goes on by itself when there is room again. It counts as well when
//     it has taken a large write (probe.go).
//
// All methods of a Store are safe for concurrent use.
//
// The file itself, its tables and states, is described in package dbfile; what happens
// to a damaged one in package repair, which the store is handed as Deps.Repair.
package sqlite
