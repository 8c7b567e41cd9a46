package dbfile

// The file holds the number of calls as of a moment: calls, when the last seq
// given out was up_to. Each call after it has the next seq, and nothing is erased
// without the number being written again, so that the difference of the seqs is
// what came since: accepting a call writes nothing, and no start counts rows.
const (
	// LastSeq is the highest seq that a call was given.
	LastSeq = `(SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'calls')`
	// CountCalls reads the number of calls.
	CountCalls = `SELECT ifnull(max(calls - up_to), 0) + ` + LastSeq + ` FROM counted`
	// WriteCount writes it.
	WriteCount = `UPDATE counted SET calls = ?, up_to = ` + LastSeq
)

// The table shares holds for each source about the bytes of its calls that wait or
// ended as dead letters, and of its dead letters of stage intake.
const (
	// Ended are the states of deliveries that nobody waits for, which leave their call
	// to retention.
	Ended = `(4, 6, 7, 8)`
	// isHeld is the condition on a delivery d that keeps its call from retention.
	isHeld = `d.state NOT IN ` + Ended
	// HoldsCall is the condition on a call c that something of it is held.
	HoldsCall = `EXISTS (SELECT 1 FROM deliveries d WHERE d.call_seq = c.seq AND ` + isHeld + `)`

	// CountedShares makes the sums from the rows; the size is that of SizeOnDisk.
	CountedShares = `SELECT source, sum(CASE WHEN n <= 4000 THEN 4096 / (4078 / (n + 40)) + 320 ELSE n + 2560 END) AS counted FROM (
		SELECT source, length(record) AS n FROM calls c WHERE ` + HoldsCall + `
		UNION ALL SELECT source, ifnull(length(body), 0) FROM dead_letters WHERE stage = 'intake') GROUP BY source`
	// CountShares writes them.
	CountShares = `INSERT INTO shares(source, bytes) ` + CountedShares
	// WrongShares returns the sums that are not what the rows say.
	WrongShares = `SELECT source, ifnull(kept, 0), ifnull(counted, 0) FROM
		(SELECT source, bytes AS kept FROM shares) FULL JOIN (` + CountedShares + `) USING (source)
		WHERE ifnull(kept, 0) <> ifnull(counted, 0)`
)
