package sqlite

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/phone"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
)

func openSharing(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), spool.Config{Path: filepath.Join(t.TempDir(), "cdrelay.db")}, Deps{Log: slog.New(slog.DiscardHandler), Repair: repair.Tool{}, Readings: phone.Readings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	return s
}

// keepSized keeps a call whose record has about so many bytes, for some sinks.
func keepSized(t *testing.T, s *Store, source, id string, bytes int, sinks ...string) {
	t.Helper()
	a := spool.Acceptance{
		Record: &call.Record{
			Schema: call.SchemaID, ID: source + ":" + id, Source: source, From: call.Party{Number: "+6281234567890"},
			Raw: []byte(`"` + strings.Repeat("x", bytes) + `"`),
		},
		Route: func(*call.Record) ([]string, error) { return sinks, nil },
	}
	copy(a.Content[:], id)
	if _, err := s.Accept(t.Context(), a); err != nil {
		t.Fatal(err)
	}
}

// TestSizeOnDisk holds the estimate to what calls of one size really take: not much
// more, or one source could fill the spool, and not less than half.
func TestSizeOnDisk(t *testing.T) {
	for _, bytes := range []int{10, 500, 900, 1300, 1900, 3000, 3700, 4200, 6000, 9000, 40_000} {
		s := openSharing(t)
		empty := measured(t, s)
		s.emptyWAL(t.Context())
		empty = min(empty, measured(t, s))
		for i := range 300 {
			keepSized(t, s, "dialer", fmt.Sprintf("%024d", i), bytes, "crm")
		}
		s.emptyWAL(t.Context())
		used, charged := measured(t, s)-empty, s.shares.all()["dialer"]
		if used > charged*105/100+64<<10 || used < charged/2 {
			t.Errorf("records of %d bytes and more: %d bytes are in use, %d are charged", bytes, used, charged)
		}
	}
}

func measured(t *testing.T, s *Store) int64 {
	t.Helper()
	used, _ := s.measure(t.Context())
	return used
}

// TestSharesAreTheSumsOfTheRows after everything that changes what is held: the
// inspector counts anew.
func TestSharesAreTheSumsOfTheRows(t *testing.T) {
	s := openSharing(t)
	ctx := context.WithoutCancel(t.Context())
	var lanes []spool.LaneConfig
	for _, sink := range []string{"crm", "slack"} {
		lanes = append(lanes, spool.LaneConfig{Sink: sink, GiveUpAfter: 1})
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.SetLanes(ctx, lanes))
	for i, bytes := range []int{1, 800, 3990, 4000, 4010, 5000, 1 << 20} {
		keepSized(t, s, "dialer", fmt.Sprint("both", i), bytes, "crm", "slack", "crm")
		keepSized(t, s, "nxlink", fmt.Sprint("one", i), bytes, "crm")
		keepSized(t, s, "nxlink", fmt.Sprint("none", i), bytes)
		must(s.KeepUndecodable(ctx, spool.Undecodable{Source: "dialer", Body: []byte(strings.Repeat("y", bytes))}))
	}
	must(s.KeepUndecodable(ctx, spool.Undecodable{Source: "empty"}))
	checkShares(t, s, "accepted")

	leased := func(sink string) []*spool.Delivery {
		all, err := s.Lease(ctx, sink, spool.Places{Limit: 100, Doubtful: 100})
		must(err)
		return all
	}
	for i, d := range leased("crm") {
		switch i % 3 {
		case 0:
			succeed(t, s.Settle(d, nil))
		case 1:
			succeed(t, s.Bury(d, nil, spool.Rejected, "no"))
		default:
			s.setAside(s.leased(d), "unreadable")
		}
	}
	checkShares(t, s, "ended in one lane")
	for i, d := range leased("slack") {
		if i%2 == 0 {
			succeed(t, s.Supersede(d))
		} else {
			succeed(t, s.Settle(d, nil))
		}
	}
	checkShares(t, s, "ended in both")
	letters, _, err := s.SearchLetters(ctx, spool.LetterFilter{}, 100, "")
	must(err)
	var ids []string
	for _, l := range letters {
		ids = append(ids, l.ID)
	}
	_, err = s.Purge(t.Context(), ids[:len(ids)/2])
	must(err)
	checkShares(t, s, "purged")
	_, _, err = s.Replay(t.Context(), ids, s.Now(), 0)
	must(err)
	checkShares(t, s, "replayed")
	for _, id := range []string{"dialer:both0", "nxlink:none1", "nxlink:one2"} {
		for range 2 {
			_, err = s.Resend(t.Context(), spool.Resend{CallIDs: []string{id}, Sinks: []string{"crm", "slack"}})
			must(err)
		}
	}
	checkShares(t, s, "sent again")
	_, err = s.Expire(t.Context(), "slack", s.Now(), spool.SinkRemoved, "gone", 2)
	must(err)
	checkShares(t, s, "expired")
	_, err = s.Erase(ctx, spool.NumberForms{E164: "+6281234567890", Digits: []string{"6281234567890"}}, false)
	must(err)
	checkShares(t, s, "erased")
}

// checkShares compares the sums in the table and in memory with the rows.
func checkShares(t *testing.T, s *Store, when string) {
	t.Helper()
	if err := s.writer.wait(t.Context(), "note", func(*tx) error { return nil }); err != nil { // what was reported is committed
		t.Fatal(err)
	}
	for source, bytes := range s.shares.all() {
		n, err := s.Int(`SELECT ifnull(sum(counted), 0) FROM (`+dbfile.CountedShares+`) WHERE source = ?`, source)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := s.Int(`SELECT bytes FROM shares WHERE source = ?`, source)
		if err != nil {
			t.Fatal(err)
		}
		if bytes != n || kept != n {
			t.Errorf("%s: %s holds %d, the table says %d, memory %d", when, source, n, kept, bytes)
		}
	}
}

func TestShareOfEachSource(t *testing.T) {
	for limit, want := range map[spool.Bytes]int64{4 << 30: 3 << 30, 1 << 20: 768 << 10} {
		if got := shareOf(limit); got != want {
			t.Errorf("of %v: %d, want %d", limit, got, want)
		}
	}
}
