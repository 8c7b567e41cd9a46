package sqlite_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

const pageSize = 4096

// closed makes a spool with calls 0 to n-1, of which 0 to 9 are dead letters,
// and closes it.
func closed(t *testing.T, n int) (path string) {
	t.Helper()
	s := open(t, spool.Config{})
	for i := range n {
		accept(t, s, fmt.Sprint(i))
	}
	for _, d := range lease(t, s, 10) {
		succeed(t, s.Bury(d, nil, spool.Rejected, "no"))
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s.Path()
}

// spoil overwrites the page of the file that holds the text, or the one with
// that number.
func spoil(t *testing.T, path, text string, page int) {
	t.Helper()
	b := read(t, path)
	for i := 1; text != "" && page == 0 && i < len(b)/pageSize; i++ {
		if p := b[i*pageSize:][:pageSize]; p[0] == 0x0d && bytes.Contains(p, []byte(text)) { // a leaf of a table
			page = i + 1
		}
	}
	if page == 0 {
		t.Fatalf("no page holds %q", text)
	}
	for i := range pageSize {
		b[(page-1)*pageSize+i] ^= 0xa5
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// kept returns the files that were set aside.
func kept(t *testing.T, path string) []string {
	t.Helper()
	names, err := filepath.Glob(path + ".damaged-*")
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// copied returns a copy of a file without a WAL.
func copied(t *testing.T, path string) (to string) {
	t.Helper()
	to = filepath.Join(t.TempDir(), "cdrelay.db")
	if err := os.WriteFile(to, read(t, path), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

func rootPage(t *testing.T, path, table string) int {
	t.Helper()
	s := open(t, spool.Config{Path: path})
	page, err := s.Int(`SELECT rootpage FROM sqlite_schema WHERE name = ?`, table)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return int(page)
}

func TestADamagedIndexIsFoundAtOpenAndCostsNothing(t *testing.T) {
	const calls = 120
	path := closed(t, calls)
	spoil(t, path, "", rootPage(t, path, "waiting"))
	before := read(t, path)
	s := open(t, spool.Config{Path: path})
	if names := kept(t, path); len(names) != 1 || !bytes.Equal(before, read(t, names[0])) {
		t.Errorf("set aside: %v, want one file, byte for byte", names)
	}
	if got := len(lease(t, s, 1000)); got != calls-10 {
		t.Errorf("%d deliveries were saved, want %d", got, calls-10)
	}
	letters, _, err := s.SearchLetters(t.Context(), spool.LetterFilter{}, 100, "")
	if err != nil || len(letters) != 10 {
		t.Errorf("%d dead letters were saved, error %v", len(letters), err)
	}
	found, err := s.SearchCalls(t.Context(), spool.CallFilter{Number: "34567890"}, 1000, "")
	if err != nil || len(found.Calls) != calls {
		t.Errorf("%d calls are found by number, error %v", len(found.Calls), err)
	}
	if n := s.Totals().SetAside; n != 1 {
		t.Errorf("%d set aside in the totals, want 1", n)
	}
	accept(t, s, "after")
}

func TestWorkOfALaneWhoseNameWasLostGoesToNobodyElse(t *testing.T) {
	path := closed(t, 30)
	table, index := rootPage(t, path, "lanes"), rootPage(t, path, "sqlite_autoindex_lanes_1")
	spoil(t, path, "", table)
	if got := lease(t, open(t, spool.Config{Path: copied(t, path)}), 100); len(got) != 20 {
		t.Errorf("%d deliveries are leased, although an index tells the name", len(got))
	}
	spoil(t, path, "", index)
	s := open(t, spool.Config{Path: path})
	if got := lease(t, s, 100); len(got) != 0 {
		t.Errorf("crm was given %d deliveries of a lane without a name", len(got))
	}
	lanes, err := s.Lanes(t.Context())
	if err != nil || len(lanes) != 2 || lanes[1].Sink != "lost-1" || lanes[1].Configured || lanes[1].Waiting != 20 || lanes[1].DeadLetters != 10 {
		t.Errorf("lanes: %+v, error %v", lanes, err)
	}
}

func TestASalvageThatWasCutShortIsFinishedOrBegunAgain(t *testing.T) {
	t.Run("before the damaged file was renamed", func(t *testing.T) {
		path := closed(t, 50)
		if err := os.WriteFile(path+".salvaged", []byte("half a file"), 0o600); err != nil {
			t.Fatal(err)
		}
		spoil(t, path, "", rootPage(t, path, "waiting"))
		if got := len(lease(t, open(t, spool.Config{Path: path}), 100)); got != 40 {
			t.Errorf("%d deliveries, want 40", got)
		}
	})
	t.Run("after", func(t *testing.T) {
		path := closed(t, 50)
		if err := os.Rename(path, path+".salvaged"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+"-wal", []byte("of the damaged file"), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := len(lease(t, open(t, spool.Config{Path: path}), 100)); got != 40 {
			t.Errorf("%d deliveries, want 40", got)
		}
		if names := kept(t, path); len(names) != 1 || !strings.HasSuffix(names[0], "-wal") {
			t.Errorf("set aside: %v, want the WAL", names)
		}
	})
}

func TestRandomDamageNeverStopsTheSpool(t *testing.T) {
	const calls = 100
	path := closed(t, calls)
	whole := read(t, path)
	for seed := range uint64(10) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "cdrelay.db")
			b := bytes.Clone(whole)
			x := seed*0x9e3779b97f4a7c15 + 1
			for range 1 + seed%4 {
				x ^= x << 13
				x ^= x >> 7
				x ^= x << 17
				page := int(x>>8) % (len(b)/pageSize - 1) // not the first: without it nothing can be read
				binary.LittleEndian.PutUint64(b[(page+1)*pageSize:], x)
				copy(b[(page+1)*pageSize+int(x%4000):(page+2)*pageSize], "damage damage damage")
			}
			if err := os.WriteFile(file, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(sqlite.SuspectMark(file), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			s := open(t, spool.Config{Path: file})
			ds := lease(t, s, 1000)
			for _, d := range ds {
				succeed(t, s.Settle(d, nil))
			}
			accept(t, s, "after")
			if n := s.Totals().SetAside; len(ds) < calls-10 && n == 0 {
				t.Errorf("%d deliveries are left and nothing is reported", len(ds))
			}
		})
	}
}

func TestACheckAfterAnUncleanStopFindsDamage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		for i := range 100 {
			accept(t, s, fmt.Sprint(i))
		}
		s.Checkpoint()
		accept(t, s, "last")
		for name, damaged := range map[string]bool{"whole": false, "damaged": true} {
			path := filepath.Join(t.TempDir(), "cdrelay.db")
			for _, suffix := range []string{"", "-wal"} {
				if err := os.WriteFile(path+suffix, read(t, s.Path()+suffix), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if damaged {
				spoil(t, path, `"dialer:50"`, 0)
			}
			after := open(t, spool.Config{Path: path})
			pass(time.Second)
			if err := after.Ready(); err != nil || (len(kept(t, path)) > 0) != damaged || (after.Totals().SetAside > 0) != damaged {
				t.Errorf("%s: ready says %v; kept %q, totals %+v", name, err, kept(t, path), after.Totals())
			}
			if got := len(lease(t, after, 10)); got != 10 {
				t.Errorf("%s: %d leased meanwhile", name, got)
			}
		}
	})
}

// TestAFlippedByteThatLeavesValidJSONReachesNoSink: nor does it get through a
// salvage. Calls of versions without a checksum are delivered as they are.
func TestAFlippedByteThatLeavesValidJSONReachesNoSink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		accept(t, s, "number", "hash", "good", "old")
		for _, sql := range []string{
			`UPDATE calls SET record = CAST(replace(record, '081234567890', '081234567891') AS BLOB) WHERE call_id IN ('dialer:number', 'dialer:old')`,
			`UPDATE calls SET content = CAST(replace(content, 'hash', 'hush') AS BLOB) WHERE call_id = 'dialer:hash'`,
			`UPDATE calls SET checksum = NULL WHERE call_id = 'dialer:old'`,
		} {
			if err := s.Exec(sql); err != nil {
				t.Fatal(err)
			}
		}
		s.Checkpoint()
		file := copied(t, s.Path())
		s.ForgetRecent()
		got := lease(t, s, 10)
		if want := []string{"dialer:good", "dialer:old"}; !slices.Equal(ids(got), want) {
			t.Errorf("leased %q, want %q", ids(got), want)
		}
		pass(time.Second)
		if n, err := s.Int(`SELECT count(*) FROM set_aside WHERE reason LIKE '%not those that were written%' AND bytes IS NOT NULL`); err != nil || n != 2 || s.Totals().SetAside != 2 {
			t.Errorf("%d are kept, error %v, totals %+v", n, err, s.Totals())
		}
		r, err := repair.Salvage(t.Context(), spool.Config{Path: file}, true)
		if err != nil || r.Unreadable != 2 {
			t.Errorf("a salvage found %d, error %v", r.Unreadable, err)
		}
		if got := ids(lease(t, open(t, spool.Config{Path: file}), 10)); !slices.Equal(got, []string{"dialer:good", "dialer:old"}) {
			t.Errorf("after a salvage: %q", got)
		}
	})
}

func TestARecordThatCannotBeReadIsSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		accept(t, s, "bad", "worse", "good")
		if _, err := s.Accept(t.Context(), acceptance("bad", "second", "crm")); err != nil {
			t.Fatal(err)
		}
		for id, record := range map[string]string{"dialer:bad": "\x00not JSON", "dialer:worse": `{"schema":"other/v1"}`} {
			if err := s.Exec(`UPDATE calls SET record = ? WHERE call_id = ? AND revision = 1`, []byte(record), id); err != nil {
				t.Fatal(err)
			}
		}
		s.ForgetRecent()
		<-s.Work("crm")
		if got := lease(t, s, 2); len(got) != 0 {
			t.Fatalf("leased %d unreadable records", len(got))
		}
		pass(time.Second)
		select {
		case <-s.Work("crm"):
		default:
			t.Error("the lane was not woken for what lies behind")
		}
		got := lease(t, s, 10)
		if len(got) != 2 || got[0].Record.ID != "dialer:bad" || got[0].Record.Revision != 2 || got[1].Record.ID != "dialer:good" {
			t.Errorf("leased %+v", got)
		}
		if n, err := s.Int(`SELECT count(*) FROM set_aside WHERE bytes = ? OR bytes = ?`, []byte("\x00not JSON"), []byte(`{"schema":"other/v1"}`)); err != nil || n != 2 {
			t.Errorf("%d kept byte for byte, error %v", n, err)
		}
		lanes, err := s.Lanes(t.Context())
		if err != nil || lanes[0].Waiting != 2 || s.Totals().SetAside != 2 {
			t.Errorf("lanes %+v, error %v, totals %+v", lanes, err, s.Totals())
		}
		detail, err := s.Call(t.Context(), "dialer:worse")
		if err != nil || detail.Deliveries[0].State != "set_aside" {
			t.Errorf("call: %+v, error %v", detail, err)
		}
	})
}
