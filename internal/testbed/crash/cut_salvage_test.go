package crash

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// TestCrashPowerCutsWhileSalvaging ends the power again and again while a start
// sets a damaged file aside and saves what can be read of it. The damage is in
// an index, which costs nothing; so nothing that was acknowledged may be missing
// in the end.
func TestCrashPowerCutsWhileSalvaging(t *testing.T) {
	want := max(plainCuts, numberFromEnv(t, "CDRELAY_CRASH_CUTS", plainCuts)/4)
	cutOnDisks(t, want, func(t *testing.T, seed uint64, cuts int) cutTally {
		t.Helper()
		w := newWard(t, seed, "")
		w.damaged = true
		w.eventually("calls wait for the sink that is away", func() bool { return w.p.sink("away").Pending >= 200 })
		w.hangUp()
		w.calls.running.Wait()
		if w.random.IntN(2) == 0 {
			w.p.stop()
		} else {
			w.p.kill() // with a WAL
		}
		var tally cutTally
		for tally.cuts < cuts && !t.Failed() {
			w.cutSalvage(&tally)
		}
		if tally.starting == 0 {
			t.Error("no cut met a salvage")
		}
		w.serve()
		if w.p.status().Spool.SetAside == 0 {
			t.Error("nothing was set aside: the test shows nothing")
		}
		w.back.Store(true)
		tally.missing = w.lostNothing()
		tally.acked, tally.posts = len(w.calls.acked), int(w.calls.posts.Load())
		return tally
	})
}

// cutSalvage damages the file, lets a process set it aside, and ends the power
// meanwhile.
func (w *ward) cutSalvage(tally *cutTally) {
	w.t.Helper()
	w.spoil()
	n := int(math.Exp(w.random.Float64() * math.Log(1500)))
	dark, seed := w.disk.CutAfter(n, "*", w.random.Uint64()), w.random.Uint64()
	p := launch(w.t, w.config)
	serving := false
	select {
	case s := <-dark:
		tally.lost(s)
	case <-p.serving:
		serving = true
		tally.lost(w.disk.Cut(seed))
	case <-p.ended:
		if len(dark) == 0 {
			w.t.Fatalf("the server ended by itself: %v\n%s", p.err, p.log)
		}
		tally.lost(<-dark)
	case <-time.After(patience):
		w.t.Fatalf("the server neither serves nor ends\n%s", p.log)
	}
	tally.cuts++
	if !serving {
		tally.starting++
	}
	p.kill()
	if err := w.disk.Remount(); err != nil {
		w.t.Fatal(err)
	}
}

// spoil does damage that costs nothing: to the header of the WAL, of which all
// can be told from its frames; without a WAL to the index of waiting deliveries;
// else it asks for a salvage, as one that was cut short does.
func (w *ward) spoil() {
	w.t.Helper()
	path := filepath.Join(w.disk.Folder(), "data", "cdrelay.db")
	if _, err := os.Stat(path); err != nil {
		return // in the middle of a salvage
	}
	wal, werr := os.Stat(path + "-wal")
	if werr == nil && wal.Size() > 4096 && w.random.IntN(2) == 0 {
		w.write(path+"-wal", 17, []byte{0xff})
		return
	}
	if page := waitingIndex(path); werr != nil && page > 0 {
		w.write(path, (page-1)*4096, make([]byte, 4096))
		return
	}
	w.write(path+".suspect", 0, []byte("salvage\n"))
}

// waitingIndex gives the page at which the index begins, 0 where it is not found.
func waitingIndex(path string) (page int64) {
	c, err := sqlite.OpenConn("file:"+path+"?immutable=1", sqlite.OpenReadOnly|sqlite.OpenURI)
	if err != nil {
		return 0
	}
	page, err = sqlitex.ResultInt64(c.Prep(`SELECT rootpage FROM sqlite_schema WHERE name = 'waiting'`))
	if err := errors.Join(err, c.Close()); err != nil {
		return 0
	}
	return page
}

// write changes a file so that no cut takes it back.
func (w *ward) write(path string, at int64, b []byte) {
	w.t.Helper()
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	_, werr := f.WriteAt(b, at)
	serr := f.Sync()
	if err := errors.Join(werr, serr, f.Close()); err != nil {
		w.t.Fatal(err)
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		w.t.Fatal(err)
	}
}
