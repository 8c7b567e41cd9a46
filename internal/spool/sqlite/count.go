package sqlite

import "github.com/cdrelay/cdrelay/internal/spool/dbfile"

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
	return dbfile.Execute(t.conn, dbfile.WriteCount, s.calls.Load()+int64(t.calls-t.erased))
}
