// Package dbfile is the SQLite file of the embedded store, as the store and the repair
// of damaged files both must know it: where it may be and who owns it, how it is
// opened, its schema with the way from older versions, the sums and search keys that
// follow from its rows, and the names of what may be beside it. It knows nothing of
// lanes, leases or the writer's goroutine.
//
// The lock of a file is its owner's alone (Own); what only reads takes it for the time
// of the reading (LockExisting). Functions over a connection are for one goroutine at
// a time, as the connection is.
//
// # File
//
// SQLite in WAL mode, synchronous=FULL, incremental auto-vacuum. Times are
// milliseconds since 1970 in UTC, 0 for none. user_version holds the version of
// this schema, application_id marks the file as a spool.
//
//	lanes         id, name; give_up: the last configured give_up_after;
//	              paused_until, paused_by, paused_for: the durable pause
//	calls         seq: order of acceptance; call_id and revision (unique);
//	              content: hash; source, outcome, received_at; record: the JSON;
//	              trace: the trace context of the callback, "" for none;
//	              rules: the names of those that matched, one a line;
//	              checksum: CRC-32C of content and record, NULL in calls of
//	              older versions
//	number_keys   digits of each number reversed, for search by suffix, in blocks
//	              of calls; written behind the calls (keys.go)
//	indexed       one row: up_to, the last call whose keys are written
//	deliveries    one row for (call_seq, lane): state, due, since (acceptance or
//	              last replay), tries (on the wire), attempts (JSON), successor,
//	              ended_at; spent, doubts, failed_at: the History; remembered
//	              (JSON, or ""): what attempts of the call in the lane have kept
//	dead_letters  id (ULID), stage, lane, source, call_id, reason, detail, tries,
//	              created_at; call_seq for stage delivery, body and its hash for
//	              stage intake
//	set_aside     what could not be read, byte for byte, with the reason
//	kept          what a sink must find again (lane, name): value; gone: since when
//	              the sink is not configured, 0 while it is
//	shares        for each source, about the bytes of its calls that wait or ended
//	              as dead letters, and of its dead letters of stage intake (share.go)
//	events        what operators did: id (ULID), action, token, address, via, sinks
//	              (one a line), call_id, count, detail
//	event_calls   for each call the latest events that do not name their one call
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
//	7 superseded a newer revision came before its time (LaneConfig.Settle)
//	8 purged     its dead letter was taken away, and it remembers something
//
// The partial index waiting (lane, state, due, call_seq, since) holds the
// states up to 3. For ready rows due is 0, so that they are read in order of acceptance.
package dbfile
