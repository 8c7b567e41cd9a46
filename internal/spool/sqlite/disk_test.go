package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

func TestAFullDiskGivesUnavailableAndRecoversByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		accept(t, s, "a", "b")
		waiting := lease(t, s, 2)
		s.FillDisk(t, true)
		taken := fillUp(t, s)
		if err := s.Ready(); err == nil {
			t.Error("ready on a full disk")
		}
		if err := s.KeepUndecodable(t.Context(), spool.Undecodable{Source: "dialer", Body: make([]byte, 100_000)}); !errors.Is(err, spool.ErrUnavailable) {
			t.Errorf("undecodable: error %v, want %v", err, spool.ErrUnavailable)
		}
		if s.Errors("accept") == 0 || s.Errors("undecodable") == 0 || s.Errors("commit") == 0 {
			t.Error("the errors are not counted")
		}
		succeed(t, s.Settle(waiting[0], nil)) // needs no room
		succeed(t, s.Postpone(waiting[1], nil, time.Now()))
		pass(2 * time.Second)
		if n := s.Backlog(); n != 0 {
			t.Errorf("%d reports wait, although the disk has room for them", n)
		}
		s.FillDisk(t, false)
		pass(3 * time.Second)
		if err := s.Ready(); err != nil {
			t.Errorf("with room again: %v", err)
		}
		accept(t, s, "after")
		if got := len(lease(t, s, 10_000)); got != taken+2 {
			t.Errorf("%d deliveries wait, want %d: one more or less was kept than was acknowledged", got, taken+2)
		}
	})
}

// TestADiskThatTakesOnlyWhatIsSmallIsNotReadyByTurns: with little traffic, of
// which now and then something fits, readiness stays false until there is room.
func TestADiskThatTakesOnlyWhatIsSmallIsNotReadyByTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, spool.Config{})
		s.FillDisk(t, true)
		fillUp(t, s)
		fitted := 0
		for i := range 300 {
			pass(300 * time.Millisecond)
			if err := s.Ready(); err == nil {
				t.Fatalf("ready after %d small callbacks, of which %d fitted", i, fitted)
			}
			if i%10 == 0 && s.KeepUndecodable(t.Context(), spool.Undecodable{Source: "dialer", Body: fmt.Append(nil, i)}) == nil {
				fitted++
			}
		}
		if fitted == 0 {
			t.Error("nothing fitted: the test shows nothing")
		}
		s.FillDisk(t, false)
		pass(3 * time.Second)
		if err := s.Ready(); err != nil {
			t.Errorf("with room again: %v", err)
		}
		if n, err := s.Int(`SELECT count(*) FROM set_aside`); err != nil || n != 0 {
			t.Errorf("%d rows of probes are left, error %v", n, err)
		}
	})
}

// fillUp accepts calls until the disk is full, and gives how many it took.
func fillUp(t *testing.T, s *sqlite.Store) (taken int) {
	t.Helper()
	for i := range 10_000 {
		switch _, err := s.Accept(t.Context(), acceptance(fmt.Sprintf("fill-%d", i), "first", "crm")); {
		case err == nil:
			taken++
		case errors.Is(err, spool.ErrUnavailable):
			return taken
		default:
			t.Fatal(err)
		}
	}
	t.Fatal("the disk is never full")
	return 0
}

// TestADiskThatRefusesWritesLosesNothing lets a process of its own run into a
// limit of file sizes, which SQLite meets in the middle of a commit.
func TestADiskThatRefusesWritesLosesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cdrelay.db")
	code, text := runChild(t, "limited:"+path)
	if code != 0 {
		t.Fatalf("exit %d: %s", code, text)
	}
	want, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, spool.Config{Path: path})
	if got := len(lease(t, s, 10_000)); got != want {
		t.Errorf("%d deliveries wait, %d were acknowledged", got, want)
	}
}

// limited is that process: it prints how many calls it had acknowledged.
func limited(path string) error {
	signal.Ignore(syscall.SIGXFSZ)
	s, err := sqlite.Open(testContext(), spool.Config{Path: path}, sqlite.Deps{Log: quiet(), Repair: repair.Tool{}})
	if err != nil {
		return err
	}
	taken := 0
	accept := func() error {
		_, err := s.Accept(testContext(), acceptance(strconv.Itoa(taken), "first", "crm"))
		if err == nil {
			taken++
		}
		return err
	}
	for range 50 {
		if err := accept(); err != nil {
			return err
		}
	}
	lift, err := limitFileSize(path + "-wal")
	if err != nil {
		return err
	}
	for err == nil && taken < 10_000 {
		err = accept()
	}
	if !errors.Is(err, spool.ErrUnavailable) || s.Ready() == nil {
		return fmt.Errorf("after %d calls: accept says %w, ready says %w", taken, err, s.Ready())
	}
	if err := lift(); err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Second); s.Ready() != nil; {
		if time.Now().After(deadline) {
			return fmt.Errorf("not ready again: %w", s.Ready())
		}
		<-time.After(10 * time.Millisecond)
	}
	if err := accept(); err != nil {
		return fmt.Errorf("after the limit is lifted: %w", err)
	}
	_, err = fmt.Fprintln(os.Stdout, taken)
	return errors.Join(err, s.Close(testContext()))
}

// limitFileSize lets no file grow beyond the size of this one plus a bit.
func limitFileSize(path string) (lift func() error, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		return nil, err
	}
	now := syscall.Rlimit{Cur: uint64(info.Size()) + 100_001, Max: was.Max}
	return func() error { return syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was) }, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &now)
}
