package spool

import (
	"errors"
	"path/filepath"
	"testing"
)

func rows(seqs ...int64) (out []*Delivery) {
	for _, s := range seqs {
		out = append(out, &Delivery{Seq: s})
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
	conn, err := openWriter(Config{Path: filepath.Join(t.TempDir(), "cdrelay.db")}.WithDefaults())
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.keepLeases(conn), conn.Close()); err != nil {
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
		found  []*Delivery
		leased int
		cursor int64
	}{
		{"nothing", func(*lane) {}, rows(4, 5), 2, 5},
		{"one ended that the read still shows", func(l *lane) { l.unlease(2, l.leased[2]) }, rows(2, 4), 1, 4},
		{"one is leased still", func(*lane) {}, rows(2, 4), 1, 4},
		{"one was given back that the read passed over", func(l *lane) { l.giveBack(2, l.leased[2]) }, rows(4, 5), 2, 1},
		{"two were given back", func(l *lane) { l.giveBack(3, l.leased[3]); l.giveBack(1, l.leased[1]) }, rows(4, 5), 2, 0},
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
