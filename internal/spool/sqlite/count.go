package sqlite

// The file holds the number of calls as of a moment: calls, when the last seq
// given out was up_to. Each call after it has the next seq, and nothing is erased
// without the number being written anew, so that the difference of the seqs is
// what came since: accepting a call writes nothing, and no start counts rows.
const (
	lastSeq    = `(SELECT ifnull(max(seq), 0) FROM sqlite_sequence WHERE name = 'calls')`
	countCalls = `SELECT ifnull(max(calls - up_to), 0) + ` + lastSeq + ` FROM counted`
	writeCount = `UPDATE counted SET calls = ?, up_to = ` + lastSeq
)

// count notes a new call, which has the highest seq so far.
func (s *Store) count(t *tx, seq int64) {
	t.calls++
	t.then(func() {
		s.calls.Add(1)
		s.last.Store(seq)
	})
}

// uncount notes that calls were erased.
func (s *Store) uncount(t *tx, n int) error {
	if n == 0 {
		return nil
	}
	t.erased += n
	t.then(func() { s.calls.Add(-int64(n)) })
	// The counter in memory follows after the commit.
	return execute(t.conn, writeCount, s.calls.Load()+int64(t.calls-t.erased))
}
