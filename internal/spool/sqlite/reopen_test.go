package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
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

// logged opens a spool whose log is kept, in a bubble. What it does at its start
// is over, so that it does not meet the damage before the test does.
func logged(t *testing.T, path string) (*sqlite.Store, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	s, err := sqlite.Open(t.Context(), spool.Config{Path: path}, sqlite.Deps{Log: slog.New(slog.NewJSONHandler(log, nil)), Repair: repair.Tool{}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
	if err := s.SetLanes(t.Context(), []spool.LaneConfig{{Sink: "crm", GiveUpAfter: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return s, log
}

// meet lets a lane read all that waits, which has to meet damage.
func meet(t *testing.T, s *sqlite.Store) {
	t.Helper()
	if got, err := s.Lease(t.Context(), "crm", spool.Places{Limit: 1000, Doubtful: 1000}); err == nil {
		t.Fatalf("the damaged page was read without an error: %d leased", len(got))
	}
}

// touch changes something, so that no reader trusts what it has in memory.
func touch(t *testing.T, s *sqlite.Store) {
	t.Helper()
	if err := s.KeepUndecodable(t.Context(), spool.Undecodable{Source: "dialer", Body: []byte(time.Now().String())}); err != nil {
		t.Fatal(err)
	}
}

// ids returns the calls of deliveries, sorted.
func ids(ds []*spool.Delivery) (all []string) {
	for _, d := range ds {
		all = append(all, d.Record.ID)
	}
	slices.Sort(all)
	return all
}

// TestDamageMetWhileRunningIsSetAsideWithoutARestart: what lanes have in their
// hands stays theirs, is not leased again, and is reported to the new file.
func TestDamageMetWhileRunningIsSetAsideWithoutARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls = 120 // 10 of them dead letters
		path := closed(t, calls)
		s, log := logged(t, path)
		if err := s.SetPause(t.Context(), "crm", spool.Pause{By: spool.ByOperator}); err != nil {
			t.Fatal(err)
		}
		mine := lease(t, s, 30) // 10 to 39
		s.Checkpoint()
		spoil(t, path, `"dialer:38"`, 0)
		spoil(t, path, `"dialer:100"`, 0)
		accept(t, s, "before")
		meet(t, s)
		if err := s.Ready(); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("ready says %v", err)
		}
		if _, err := s.Accept(t.Context(), acceptance("refused", "first", "crm")); !errors.Is(err, spool.ErrUnavailable) {
			t.Errorf("a call on a damaged file: error %v, want %v", err, spool.ErrUnavailable)
		}
		succeed(t, s.Settle(mine[0], nil)) // while the file is replaced
		pass(time.Second)
		if err := s.Ready(); err != nil {
			t.Fatalf("not ready again: %v\n%s", err, log)
		}
		succeed(t, s.Postpone(mine[1], nil, time.Now().Add(time.Hour)))
		succeed(t, s.Bury(mine[2], nil, spool.Rejected, "no"))
		for _, d := range mine[3:] { // 38 among them
			succeed(t, s.Settle(d, nil))
		}
		accept(t, s, "after")
		pass(time.Second)
		if strings.Contains(log.String(), "cannot be committed") || s.Backlog() != 0 {
			t.Errorf("%d reports wait; log:\n%s", s.Backlog(), log)
		}
		rest := lease(t, s, 1000)
		for _, d := range rest {
			if slices.Contains(ids(mine), d.Record.ID) {
				t.Errorf("%s was leased a second time", d.Record.ID)
			}
		}
		lost, err := s.Int(`SELECT count(*) FROM set_aside WHERE call_seq BETWEEN 41 AND 120 AND lane > 0`)
		if err != nil || lost == 0 || int64(len(rest)) != 80-lost+2 || !slices.Contains(ids(rest), "dialer:before") || !slices.Contains(ids(rest), "dialer:after") {
			t.Errorf("%d were leased after it and %d are reported as lost, of 80, with two new ones: %v", len(rest), lost, err)
		}
		if p := s.PauseOf("crm"); p.By != spool.ByOperator {
			t.Errorf("the pause: %+v", p)
		}
		if names := kept(t, path); len(names) != 1 || s.Totals().SetAside < lost+1 {
			t.Errorf("set aside: %q, totals %+v", names, s.Totals())
		}
		if _, err := os.Stat(sqlite.SuspectMark(path)); err == nil {
			t.Error("the new file is still under suspicion")
		}
	})
}

// aside lets a spool have set so many records aside.
func aside(t *testing.T, path string, n int) {
	t.Helper()
	s := open(t, spool.Config{Path: path})
	for range n {
		if err := s.Exec(`INSERT INTO set_aside(at, call_seq, lane, reason) VALUES (1, 1, 1, 'of before')`); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestALaneWhoseRowIsLostWhileRunningStaysWhatItIs: name, number and pause are
// known without the file, and no call gets a number that was given out before.
func TestALaneWhoseRowIsLostWhileRunningStaysWhatItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := closed(t, 30)
		aside(t, path, 40)
		pages := []int{rootPage(t, path, "set_aside"), rootPage(t, path, "lanes"), rootPage(t, path, "sqlite_autoindex_lanes_1"), rootPage(t, path, "sqlite_sequence")}
		s, log := logged(t, path)
		if err := s.SetPause(t.Context(), "crm", spool.Pause{By: spool.ByOperator}); err != nil {
			t.Fatal(err)
		}
		accept(t, s, "last")
		last, err := s.Int(`SELECT max(seq) FROM calls`)
		if err != nil {
			t.Fatal(err)
		}
		s.Checkpoint()
		for _, page := range pages {
			spoil(t, path, "", page)
		}
		spoil(t, path, `"dialer:last"`, 0)
		touch(t, s)
		meet(t, s)
		pass(time.Second)
		lanes, err := s.Lanes(t.Context())
		if err != nil || len(lanes) != 1 || lanes[0].Sink != "crm" || !lanes[0].Configured || lanes[0].Pause.By != spool.ByOperator {
			t.Errorf("lanes %+v, error %v\n%s", lanes, err, log)
		}
		accept(t, s, "new")
		if seq, err := s.Int(`SELECT seq FROM calls WHERE call_id = 'dialer:new'`); err != nil || seq <= last {
			t.Errorf("the new call has seq %d, and %d was given out before; error %v", seq, last, err)
		}
		if n := s.Totals().SetAside; n < 41 {
			t.Errorf("%d set aside: those of before are forgotten", n)
		}
		if by, err := s.Int(`SELECT count(*) FROM lanes WHERE name = 'crm' AND paused_by = 'operator' AND give_up = 3600000`); err != nil || by != 1 {
			t.Errorf("the lane is not in the new file: error %v", err)
		}
	})
}

// TestAFileThatIsDamagedAgainAndAgainIsLeftAlone: the waits grow, and then it
// ends.
func TestAFileThatIsDamagedAgainAndAgainIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := closed(t, 120)
		s, log := logged(t, path)
		wait := time.Duration(0)
		for i, next := range []time.Duration{10 * time.Second, 40 * time.Second, 160 * time.Second, 640 * time.Second, 0} {
			spoil(t, path, fmt.Sprintf(`"dialer:%d"`, 115-15*i), 0)
			touch(t, s)
			meet(t, s)
			if wait > 0 {
				pass(wait - time.Second)
				if _, err := s.Accept(t.Context(), acceptance("early", "first", "crm")); !errors.Is(err, spool.ErrUnavailable) {
					t.Errorf("a call on a damaged file: error %v, want %v", err, spool.ErrUnavailable)
				}
				if s.Ready() == nil || len(kept(t, path)) != i {
					t.Errorf("time %d: replaced before %v", i+1, wait)
				}
			}
			pass(2 * time.Second)
			if err := s.Ready(); err != nil || len(kept(t, path)) != i+1 {
				t.Fatalf("time %d: ready says %v, kept %d\n%s", i+1, err, len(kept(t, path)), log)
			}
			s.Checkpoint()
			wait = next
		}
		spoil(t, path, `"dialer:20"`, 0)
		touch(t, s)
		meet(t, s)
		pass(time.Hour)
		if err := s.Ready(); err == nil || !strings.Contains(err.Error(), "again and again") || len(kept(t, path)) != 5 {
			t.Errorf("ready says %v, kept %d", err, len(kept(t, path)))
		}
		if n := strings.Count(log.String(), "it is left as it is until a restart"); n != 1 {
			t.Errorf("the log says so %d times", n)
		}
	})
}

// TestADamagedFileIsReplacedWhenThereIsRoom: a try that fails is made again, and
// Close does not wait for it.
func TestADamagedFileIsReplacedWhenThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := closed(t, 120)
		s, log := logged(t, path)
		mine := lease(t, s, 5)
		s.Checkpoint()
		if err := os.Mkdir(path+".salvaged", 0o700); err != nil { // in the way of the new file
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path+".salvaged", "x"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		spoil(t, path, `"dialer:60"`, 0)
		touch(t, s)
		meet(t, s)
		pass(time.Second)
		succeed(t, s.Settle(mine[0], nil))
		for what, err := range map[string]error{
			"accept":     must(s.Accept(t.Context(), acceptance("x", "first", "crm"))),
			"a listing":  must(s.Lanes(t.Context())),
			"a lease":    must(s.Lease(t.Context(), "crm", spool.Places{Limit: 1, Doubtful: 1})),
			"a pause":    s.SetPause(t.Context(), "crm", spool.Pause{}),
			"the writer": s.Exec(`SELECT 1`),
		} {
			if !errors.Is(err, spool.ErrUnavailable) {
				t.Errorf("%s without a file: error %v, want %v", what, err, spool.ErrUnavailable)
			}
		}
		s.Configure(spool.Config{Path: path, MaxBytes: 1 << 30})
		pass(2 * time.Minute)
		if n := strings.Count(log.String(), "could not be replaced; it is tried again"); n != 3 || s.Ready() == nil || s.Errors("reopen") != 3 {
			t.Errorf("%d tries failed in two minutes, want 3; ready says %v", n, s.Ready())
		}
		if err := os.RemoveAll(path + ".salvaged"); err != nil {
			t.Fatal(err)
		}
		pass(3 * time.Minute)
		if err := s.Ready(); err != nil || len(kept(t, path)) != 1 {
			t.Errorf("with room: ready says %v, kept %q", err, kept(t, path))
		}
		if n, err := s.Int(`SELECT count(*) FROM deliveries WHERE state = 4`); err != nil || n != 1 {
			t.Errorf("%d deliveries are reported, error %v, want the one that was made meanwhile", n, err)
		}
	})
}

func must[T any](_ T, err error) error { return err }

func TestClosingDoesNotWaitForASalvage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := closed(t, 120)
		s, log := logged(t, path)
		mine := lease(t, s, 5)
		spoil(t, path, `"dialer:60"`, 0)
		ctx, end := context.WithCancel(t.Context())
		end()
		s.EndBackground() // as Close does, in the middle of it
		if err := s.Reopen(ctx); err == nil {
			t.Fatal("the file was opened although the spool closes")
		}
		succeed(t, s.Settle(mine[0], nil))
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "reports of lanes could not be committed before the end") {
			t.Errorf("the log does not tell of the report:\n%s", log)
		}
		if len(kept(t, path)) != 0 {
			t.Errorf("kept %q", kept(t, path))
		}
		again := open(t, spool.Config{Path: path})
		if got := len(lease(t, again, 1000)); got < 90 || len(kept(t, path)) != 1 {
			t.Errorf("the next start: %d deliveries, kept %q", got, kept(t, path))
		}
	})
}

func TestACheckThatWasCutShortIsMadeAtTheNextStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{Path: filepath.Join(t.TempDir(), "cdrelay.db")})
		for i := range 100 {
			accept(t, s, fmt.Sprint(i))
		}
		stopped, stop := context.WithCancel(t.Context())
		stop()
		s.CheckInBackground(stopped)
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		spoil(t, s.Path(), `"dialer:50"`, 0)
		after := open(t, spool.Config{Path: s.Path()})
		pass(time.Second)
		if len(kept(t, s.Path())) == 0 || after.Totals().SetAside == 0 {
			t.Errorf("the damage was not found: kept %q, totals %+v", kept(t, s.Path()), after.Totals())
		}
		if _, err := os.Stat(s.Path() + ".unchecked"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the check is still owed: %v", err)
		}
	})
}

// TestAnUnreadableRecordHasTheFileChecked: what damaged it may have met what nobody
// reads, such as the index that tells calls apart.
func TestAnUnreadableRecordHasTheFileChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, log := logged(t, filepath.Join(t.TempDir(), "cdrelay.db"))
		accept(t, s, "bad", "good")
		if err := s.Exec(`UPDATE calls SET record = x'7b00' WHERE call_id = 'dialer:bad'`); err != nil {
			t.Fatal(err)
		}
		page, err := s.Int(`SELECT rootpage FROM sqlite_schema WHERE name = 'calls_identity'`)
		if err != nil {
			t.Fatal(err)
		}
		s.Checkpoint()
		spoil(t, s.Path(), "", int(page))
		s.ForgetRecent()
		if got := ids(lease(t, s, 10)); !slices.Equal(got, []string{"dialer:good"}) {
			t.Errorf("leased %q", got)
		}
		pass(time.Second)
		if names := kept(t, s.Path()); len(names) != 1 || s.Ready() != nil {
			t.Errorf("set aside: %q, ready says %v\n%s", names, s.Ready(), log)
		}
	})
}
