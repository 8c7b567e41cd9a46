// Package sqlite is the embedded store: it keeps calls, the deliveries owed for
// them, and dead letters in one SQLite file. What every store guarantees is said in
// package spool; this comment says how this one does it, and what it adds.
//
// # Guarantees
//
//   - When Accept returns without an error, the call and all its deliveries are
//     committed and synced in one transaction. All writes go through one
//     goroutine that commits whatever waits as one transaction (group commit):
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
//   - A full or failing disk gives ErrUnavailable; nothing is half kept, and
//     the spool goes on by itself when there is room again. It counts as well when
//     it has taken a large write (probe.go).
//
// All methods of a Store are safe for concurrent use. Check and Salvage are for
// a spool that nobody has open, and hold its lock; Backup reads beside a running
// server.
//
// # File
//
// SQLite in WAL mode, synchronous=FULL, incremental auto-vacuum. Times are
// milliseconds since 1970 in UTC, 0 for none. user_version holds the version of
// this schema, application_id marks the file as a spool.
//
//	lanes         id, name; give_up: the last configured give_up_after;
//	              paused_until, paused_by: the durable pause
//	calls         seq: order of acceptance; call_id and revision (unique);
//	              content: hash; source, outcome, received_at; record: the JSON;
//	              trace: the trace context of the callback, "" for none;
//	              checksum: CRC-32C of content and record, NULL in calls of
//	              older versions
//	number_keys   digits of each number reversed, for search by suffix, in blocks
//	              of calls; written behind the calls (keys.go)
//	indexed       one row: up_to, the last call whose keys are written
//	deliveries    one row for (call_seq, lane): state, due, since (acceptance or
//	              last replay), tries (on the wire), attempts (JSON), successor,
//	              ended_at; spent, doubts, failed_at: the History
//	dead_letters  id (ULID), stage, lane, source, call_id, reason, detail, tries,
//	              created_at; call_seq for stage delivery, body and its hash for
//	              stage intake
//	set_aside     what could not be read, byte for byte, with the reason
//	kept          what a sink must find again (lane, name): value; gone: since when
//	              the sink is not configured, 0 while it is
//	shares        for each source, about the bytes of its calls that wait or ended
//	              as dead letters, and of its dead letters of stage intake (share.go)
//	counted       one row: the number of calls when up_to was the last seq
//
// A delivery's states:
//
//	-1 doubtful  waits until due; fails while others of its lane are delivered
//	0 ready      never attempted; order of acceptance
//	1 scheduled  waits until due for its next attempt
//	2 replayed   asked for again by an operator; live traffic goes first
//	3 held       an older revision of the call waits in this lane
//	4 delivered
//	5 dead       a dead letter has its id
//	6 aside      its record could not be read
//
// The partial index waiting (lane, state, due, call_seq, since) holds the
// states up to 3. For ready rows due is 0, so that they are read in order of acceptance.
package sqlite
