package stock_test

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
	"github.com/cdrelay/cdrelay/internal/testbed/bench/stock"
)

func numbered(n int) (spool.Acceptance, error) {
	raw := fmt.Appendf(nil, `{"callId":"%d"}`, n)
	content, err := call.HashContent(raw)
	return spool.Acceptance{
		Record:  &call.Record{Schema: call.SchemaID, ID: call.NewID("old", fmt.Sprint(n)), Source: "old", ReceivedAt: call.At(time.Now()), Raw: raw},
		Content: content, Route: func(*call.Record) ([]string, error) { return []string{"crm"}, nil },
	}, err
}

func TestWhatIsFilledWaitsAndThenIsHistory(t *testing.T) {
	const calls = 1500
	path := filepath.Join(t.TempDir(), "cdrelay.db")
	if err := stock.Fill(t.Context(), path, "crm", calls, numbered); err != nil {
		t.Fatal(err)
	}
	expect(t, path, calls, calls)
	if err := stock.Deliver(t.Context(), path, "crm", calls-200); err != nil {
		t.Fatal(err)
	}
	// Whole leases are settled, and what is reported is committed at the close.
	if _, waiting := look(t, path); waiting > 200 {
		t.Errorf("%d wait after %d were to be delivered", waiting, calls-200)
	}
}

func TestFillTellsTheFirstError(t *testing.T) {
	broken := errors.New("broken")
	err := stock.Fill(t.Context(), filepath.Join(t.TempDir(), "cdrelay.db"), "crm", 1000, func(n int) (spool.Acceptance, error) {
		a, err := numbered(n)
		if n == 700 {
			err = broken
		}
		return a, err
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

func expect(t *testing.T, path string, calls, waiting int64) {
	t.Helper()
	if c, w := look(t, path); c != calls || w != waiting {
		t.Errorf("%d calls, %d waiting; want %d and %d", c, w, calls, waiting)
	}
}

func look(t *testing.T, path string) (calls, waiting int64) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), spool.Config{Path: path}, sqlite.Deps{Log: slog.New(slog.DiscardHandler), Repair: repair.Tool{}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if err := s.SetLanes(t.Context(), []spool.LaneConfig{{Sink: "crm"}}); err != nil {
		t.Fatal(err)
	}
	lanes, err := s.Lanes(t.Context())
	if err != nil || len(lanes) != 1 {
		t.Fatalf("%v %v", lanes, err)
	}
	return s.Totals().Calls, lanes[0].Waiting
}
