package sqlite

import (
	"context"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// OnWriter runs f on the connection that writes, between two groups.
func (s *Store) OnWriter(f func(*sqlite.Conn) error) error {
	return s.writer.between(context.Background(), f)
}

// Exec runs a statement on the connection that writes.
func (s *Store) Exec(sql string, args ...any) error {
	return s.OnWriter(func(c *sqlite.Conn) error { return dbfile.Execute(c, sql, args...) })
}

// Int reads one number.
func (s *Store) Int(sql string, args ...any) (n int64, err error) {
	err = s.OnWriter(func(c *sqlite.Conn) error {
		n, err = dbfile.Int(c, sql, args...)
		return err
	})
	return n, err
}

// SearchCallsBy is SearchCalls by a clock.
func (s *Store) SearchCallsBy(now func() time.Time, f spool.CallFilter, cursor string) (spool.CallPage, error) {
	return s.searchCalls(context.Background(), f, 50, cursor, now)
}

// SearchLettersBy is SearchLetters by a clock.
func (s *Store) SearchLettersBy(now func() time.Time, f spool.LetterFilter, cursor string) (page []spool.DeadLetter, next string, err error) {
	return s.searchLetters(context.Background(), f, 50, cursor, now)
}

// Backlog is the number of reports that wait for a commit.
func (s *Store) Backlog() int { return s.writer.backlog() }

// backlog is the number of reports of lanes that are not committed yet.
func (w *writer) backlog() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.lazies)
}

// Reopen opens the file anew, as after damage.
func (s *Store) Reopen(ctx context.Context) error {
	if err := dbfile.WriteMark(s.cfg.Path, dbfile.MarkCheck); err != nil {
		return err
	}
	return s.reopen(ctx)
}

// EndBackground ends what Close ends first.
func (s *Store) EndBackground() { s.stop() }

// SuspectMark is the file that asks for a whole check at the next start.
func SuspectMark(path string) string { return dbfile.SuspectMark(path) }

// Path is where the file lies.
func (s *Store) Path() string { return s.cfg.Path }

// Checkpoint does what housekeeping does near max_bytes.
func (s *Store) Checkpoint() { s.emptyWAL(context.Background()) }

// FillDisk makes the file unable to grow, or able again.
func (s *Store) FillDisk(tb testing.TB, full bool) {
	tb.Helper()
	if err := s.OnWriter(func(c *sqlite.Conn) error { return limitPages(c, full) }); err != nil {
		tb.Fatal(err)
	}
}

// HoldListings and HoldLeases keep the connections of listings or of lanes busy
// with a read until the function that they return is called.
func (s *Store) HoldListings(tb testing.TB) (release func()) {
	tb.Helper()
	return hold(tb, s.listRd)
}

// HoldLeases: see HoldListings.
func (s *Store) HoldLeases(tb testing.TB) (release func()) {
	tb.Helper()
	return hold(tb, s.lanesRd)
}

func hold(tb testing.TB, r *readers) (release func()) {
	tb.Helper()
	pool, err := r.open()
	if err != nil {
		tb.Fatal(err)
	}
	var taken []*sqlite.Conn
	for range r.size {
		c, err := pool.Take(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		for _, sql := range []string{`BEGIN`, `SELECT count(*) FROM lanes`} {
			if err := dbfile.Execute(c, sql); err != nil {
				tb.Fatal(err)
			}
		}
		taken = append(taken, c)
	}
	return func() {
		for _, c := range taken {
			if err := dbfile.Execute(c, `COMMIT`); err != nil {
				tb.Error(err)
			}
			pool.Put(c)
		}
	}
}

// ForgetRecent makes leases read every call from the file.
func (s *Store) ForgetRecent() { s.recent.clear() }

// The bounds of what is remembered.
const (
	RecentCalls = recentCalls
	RecentBytes = recentBytes
)

// Remember remembers a call of a size.
func (s *Store) Remember(seq int64, size int) {
	s.recent.put(seq, recentCall{length: (size - recordBytes) / 2})
}

// Remembers reports whether a call is remembered.
func (s *Store) Remembers(seq int64) bool {
	_, found := s.recent.get(seq)
	return found
}

// Remembered returns how many calls are remembered, and their bytes.
func (s *Store) Remembered() (calls, bytes int) { return len(s.recent.bySeq), s.recent.bytes }

// Retain does what housekeeping does once a minute, and tells whether it has more
// to do.
func (s *Store) Retain(ctx context.Context) (more bool) { return s.retain(ctx, &sweep{}) }

// CheckInBackground is the check after a start.
func (s *Store) CheckInBackground(ctx context.Context) { s.checkInBackground(ctx, true) }

// CheckpointEvery is after how many changes the WAL is moved.
const CheckpointEvery = checkpointEvery

// IndexStep is how many calls get their search keys at once.
const IndexStep = indexStep

// ForgetKeys forgets the search keys of calls up to one, as beyond the bound.
func (s *Store) ForgetKeys(last int64) {
	s.unindexed.mu.Lock()
	defer s.unindexed.mu.Unlock()
	for len(s.unindexed.keys) > 0 && s.unindexed.keys[0].seq <= last {
		s.unindexed.keys = s.unindexed.keys[1:]
	}
	s.unindexed.from = last
}

// RoomUsed is how many bytes of memory the lanes are charged for.
func (s *Store) RoomUsed() int64 { return s.room.Used() }

// Leased is what the spool keeps of a leased delivery, nil for nothing.
func (s *Store) Leased(sink string, seq int64) *spool.Delivery {
	l := s.lane(sink)
	l.mu.Lock()
	defer l.mu.Unlock()
	if d := l.leased[seq]; d != nil {
		return &d.Delivery
	}
	return nil
}

// The bounds of one call's detail, of uncommitted reports and of search keys in
// memory, in bytes.
const (
	DetailRecords  = detailRecords
	ReportsBytes   = reportsBytes
	UnindexedBytes = unindexedBytes
)

// Unindexed is how many bytes of search keys are in memory.
func (s *Store) Unindexed() int {
	s.unindexed.mu.Lock()
	defer s.unindexed.mu.Unlock()
	return s.unindexed.bytes
}
