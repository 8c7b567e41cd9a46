package sqlite

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
)

func rows(seqs ...int64) (out []*delivery) {
	for _, s := range seqs {
		out = append(out, &delivery{Delivery: spool.Delivery{Seq: s}})
	}
	return out
}

// dropAll opens a file anew in which nothing is left: leases end, claims stay.
func dropAll(t *testing.T, l *lane) {
	t.Helper()
	mine := l.leased[1]
	if !l.claim([]int64{7, 8}) {
		t.Fatal("not claimed")
	}
	conn, err := dbfile.OpenWriter(t.Context(), spool.Config{Path: filepath.Join(t.TempDir(), "cdrelay.db")}.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	_, err = l.keepLeases(conn)
	if err := errors.Join(err, conn.Close()); err != nil {
		t.Fatal(err)
	}
	if len(l.leased) != 2 || l.holds(mine) || !l.isLeased(7) || !l.isLeased(8) {
		t.Errorf("leased are %v, want the claims of 7 and 8", l.leased)
	}
}

// TestWhatHappensDuringARead: a lease is read from a snapshot that may be older
// than what lanes have reported meanwhile.
func TestWhatHappensDuringARead(t *testing.T) {
	for _, c := range []struct {
		name   string
		during func(*lane)
		found  []*delivery
		leased int
		cursor int64
	}{
		{"nothing", func(*lane) {}, rows(4, 5), 2, 5},
		{"one ended that the read still shows", func(l *lane) { l.unlease(2, l.leased[2]) }, rows(2, 4), 1, 4},
		{"one is leased still", func(*lane) {}, rows(2, 4), 1, 4},
		{"one was given back that the read passed over", func(l *lane) { l.giveBack(2, l.leased[2]) }, rows(4, 5), 2, 1},
		{"two were given back", func(l *lane) { l.giveBack(3, l.leased[3]); l.giveBack(1, l.leased[1]) }, rows(4, 5), 2, 0},
		{"one was claimed", func(l *lane) { l.claim([]int64{4}) }, rows(4, 5), 1, 5},
		{"more was found than asked for", func(*lane) {}, rows(4, 5, 6, 7), 3, 6},
		{"the file was replaced", func(l *lane) { dropAll(t, l) }, rows(4, 5), 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newLane(1, "crm")
			l.beginRead()
			if got := l.endRead(rows(1, 2, 3), 10); len(got) != 3 {
				t.Fatalf("%d leased", len(got))
			}
			if cursor := l.beginRead(); cursor != 3 {
				t.Fatalf("cursor %d", cursor)
			}
			c.during(l)
			if got := l.endRead(c.found, 3); len(got) != c.leased || l.cursor != c.cursor {
				t.Errorf("%d leased and the cursor at %d, want %d and %d", len(got), l.cursor, c.leased, c.cursor)
			}
		})
	}
}

// TestWhatExpiresDuringAReadIsNotLeased: it would be delivered beside its dead
// letter, and stay leased for ever.
func TestWhatExpiresDuringAReadIsNotLeased(t *testing.T) {
	for name, end := range map[string]func(ctx context.Context, s *Store, endRead func()){
		"the read ends before the commit": func(ctx context.Context, s *Store, endRead func()) {
			commit := make(chan struct{})
			go func() { _ = s.writer.between(ctx, func(*sqlite.Conn) error { <-commit; return nil }) }()
			synctest.Wait()
			go expireAll(ctx, s)
			synctest.Wait() // the next one is behind it in the same transaction
			go func() { _ = s.writer.wait(ctx, "expire", func(*tx) error { endRead(); return nil }) }()
			synctest.Wait()
			close(commit)
			synctest.Wait()
		},
		"the read ends after the commit": func(ctx context.Context, s *Store, endRead func()) {
			expireAll(ctx, s)
			endRead()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, l := withOne(t)
				r := leaseReader{lane: l, recent: s.recent, room: s.room, now: dbfile.Millis(s.Now()), want: spool.Places{Limit: 8}}
				cursor := l.beginRead()
				if err := s.lanesRd.do(t.Context(), func(c *sqlite.Conn) error { r.conn = c; return r.read(cursor) }); err != nil || len(r.found) != 1 {
					t.Fatal(r.found, err)
				}
				end(t.Context(), s, func() {
					if got := l.endRead(r.found, 8); len(got) != 0 {
						t.Error("a dead letter was leased")
					}
				})
				letters, _, err := s.SearchLetters(t.Context(), spool.LetterFilter{}, 10, "")
				if err != nil || len(letters) != 1 {
					t.Fatal(letters, err)
				}
				if n, _, err := s.Replay(t.Context(), []string{letters[0].ID}, s.Now(), 0); n != 1 || err != nil {
					t.Fatal(n, err)
				}
				if got, err := s.Lease(t.Context(), "crm", spool.Places{Limit: 8, Doubtful: 8}); len(got) != 1 || err != nil {
					t.Errorf("%d leased after a replay, error %v", len(got), err)
				}
			})
		})
	}
}

func expireAll(ctx context.Context, s *Store) {
	_, _ = s.Expire(ctx, "crm", s.Now().Add(time.Minute), spool.Expired, "late", 10) // the letter tells
}

// withOne opens a spool with one delivery, and gives its lane.
func withOne(t *testing.T) (*Store, *lane) {
	t.Helper()
	s, err := Open(t.Context(), spool.Config{Path: filepath.Join(t.TempDir(), "cdrelay.db")}, Deps{Log: slog.New(slog.DiscardHandler), Repair: repair.Tool{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	_, err = s.Accept(t.Context(), spool.Acceptance{
		Record: &call.Record{Schema: call.SchemaID, ID: call.NewID("dialer", "a"), Source: "dialer", ReceivedAt: call.At(s.Now())},
		Route:  func(*call.Record) ([]string, error) { return []string{"crm"}, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, s.lane("crm")
}
