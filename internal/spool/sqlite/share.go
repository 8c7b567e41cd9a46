package sqlite

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// Each source has a share of max_bytes, so that one whose sinks are down, or that
// sends what nobody understands, leaves room for the others. What counts is what
// retention does not erase to make room: calls of which a delivery waits or ended
// as a dead letter, and dead letters of stage intake. The sums are kept in the
// table shares, which changes in the transaction that changes them, once for each
// group and source; so they hold over a crash, and no start counts rows.

// shareOf is the part of max_bytes that one source may fill.
func shareOf(maxBytes spool.Bytes) int64 { return int64(maxBytes) / 4 * 3 }

const (
	heldSize  = `SELECT source, length(record) FROM calls c WHERE seq = ? AND ` + dbfile.HoldsCall
	looseSize = `SELECT source, length(record) FROM calls c WHERE seq = ? AND NOT ` + dbfile.HoldsCall

	writeShare = `INSERT INTO shares(source, bytes) VALUES (?1, ?2) ON CONFLICT(source) DO UPDATE SET bytes = bytes + ?2`
)

// sizeOnDisk is about what a text of n bytes takes with its deliveries and its
// part of the indexes, and seldom less. Small rows share a page; of a larger one
// the last page is mostly half empty.
func sizeOnDisk(n int64) int64 {
	const page, usable, header, beside = 4096, 4078, 40, 320
	if n <= 4000 {
		return page/(usable/(n+header)) + beside
	}
	return n + page/2 + 512
}

// shares are the sums as of the last commit.
type shares struct {
	mu    sync.Mutex
	bytes map[string]int64
	full  map[string]bool // sources that are refused
}

func newShares() *shares { return &shares{bytes: map[string]int64{}, full: map[string]bool{}} }

// load reads the sums of a file.
func (h *shares) load(c *sqlite.Conn) error {
	sums := map[string]int64{}
	err := dbfile.Query(c, `SELECT source, bytes FROM shares`, func(r *sqlite.Stmt) error {
		sums[r.ColumnText(0)] = r.ColumnInt64(1)
		return nil
	})
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.bytes = sums
	return nil
}

// Shares returns, by source, about how many bytes it holds.
func (s *Store) Shares() map[string]int64 { return s.shares.all() }

// all returns the sums by source.
func (h *shares) all() map[string]int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.bytes)
}

// charge adds to the sum of a source in the transaction.
func (s *Store) charge(t *tx, source string, bytes int64) {
	if t.shares == nil {
		t.shares = map[string]int64{}
		t.then(func() { s.shares.add(t.shares) })
	}
	t.shares[source] += bytes
}

// add takes over what was committed.
func (h *shares) add(changes map[string]int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for source, bytes := range changes {
		h.bytes[source] += bytes
	}
}

// writeShares puts the changes of the transaction into the table.
func (t *tx) writeShares() error {
	for source, bytes := range t.shares {
		if err := dbfile.Execute(t.conn, writeShare, source, bytes); err != nil {
			return err
		}
	}
	return nil
}

// chargeCall charges or discharges a call where a query finds its source and size.
func (s *Store) chargeCall(t *tx, find string, seq, sign int64) error {
	return dbfile.Query(t.conn, find, func(r *sqlite.Stmt) error {
		s.charge(t, r.ColumnText(0), sign*sizeOnDisk(r.ColumnInt64(1)))
		return nil
	}, seq)
}

// loosen discharges a call of which one delivery is held no more, if it was the
// last.
func (s *Store) loosen(t *tx, seq int64) error { return s.chargeCall(t, looseSize, seq, -1) }

// recount corrects sums that are not what the rows say: a damaged byte can change
// the source of a row, or a sum, and nothing else tells. It reads all calls, so it
// looks on a reader first, and the writer counts only where something is wrong.
func (s *Store) recount(ctx context.Context, reader *sqlite.Conn) error {
	wrong := false
	err := dbfile.Query(reader, dbfile.WrongShares, func(*sqlite.Stmt) error {
		wrong = true
		return nil
	})
	if err != nil || !wrong {
		return err
	}
	s.log.Warn("the sums of what sources hold did not agree with the calls, and are counted again")
	return s.writer.wait(ctx, "recount", func(t *tx) error {
		return dbfile.Query(t.conn, dbfile.WrongShares, func(r *sqlite.Stmt) error {
			source := r.ColumnText(0)
			// What the group has changed so far is in the rows and not yet in the sums.
			if wrong := r.ColumnInt64(2) - r.ColumnInt64(1) - t.shares[source]; wrong != 0 {
				s.charge(t, source, wrong)
			}
			return nil
		})
	})
}

// refuseShare returns an error where a source fills its share.
func (s *Store) refuseShare(t *tx, source string) error {
	return s.fillsShare(source, t.shares[source])
}

// SourceReady returns an error where nothing new of a source is kept although the
// spool is ready, because the source fills its share.
func (s *Store) SourceReady(source string) error { return s.fillsShare(source, 0) }

// fillsShare also logs the change. Once full, a share stays so until some room is
// gained, so that the state does not change with every delivery.
func (s *Store) fillsShare(source string, more int64) error {
	limit := shareOf(spool.Bytes(s.limit.Load()))
	s.shares.mu.Lock()
	defer s.shares.mu.Unlock()
	has, was := s.shares.bytes[source]+more, s.shares.full[source]
	switch full := has >= limit || was && has >= limit/100*97; {
	case full && !was:
		s.shares.full[source] = true
		s.log.Error("a source fills its share of spool.max_bytes; its callbacks are answered 503, those of others are taken", "source", source, "share", limit)
	case !full && was:
		delete(s.shares.full, source)
		s.log.Info("the source has room in the spool again", "source", source)
	}
	if s.shares.full[source] {
		return fmt.Errorf("%w: %w", spool.ErrUnavailable, spool.ErrShare)
	}
	return nil
}
