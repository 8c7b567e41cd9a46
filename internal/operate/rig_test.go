package operate_test

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/phone"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// rig is an operator over a real spool.
type rig struct {
	t     *testing.T
	spool *sqlite.Store
	deps  operate.Deps
	log   bytes.Buffer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	s, err := sqlite.Open(t.Context(), spool.Config{Path: filepath.Join(t.TempDir(), "s.db")}, sqlite.Deps{Log: slog.New(slog.DiscardHandler), Repair: repair.Tool{}, Readings: phone.Readings})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	r := &rig{t: t, spool: s}
	r.deps = operate.Deps{
		Store: s, Log: slog.New(slog.NewTextHandler(&r.log, nil)),
		Server: func() operate.Server {
			return operate.Server{Version: "v1", Sinks: []operate.Sink{{Name: "crm", Kind: "webhook", Configured: true, Breaker: "closed", PerSecond: 5}}}
		},
		Redeem: func(ctx context.Context, d spool.DeadLetterDetail) error {
			if !strings.HasPrefix(string(d.Body), "good") {
				return call.Unreadablef("still not understood")
			}
			a := acceptance(string(d.Body))
			a.Letter = d.ID
			_, err := s.Accept(ctx, a)
			return err
		},
	}
	return r
}

// operator is one with what the rig has now.
func (r *rig) operator() *operate.Operator { return operate.New("test", r.deps) }

func acceptance(id string) spool.Acceptance {
	var content call.ContentHash
	copy(content[:], id)
	return spool.Acceptance{
		Record: &call.Record{
			Schema: call.SchemaID, ID: call.NewID("dialer", id), Source: "dialer", ReceivedAt: call.At(time.Now()), StartedAt: call.At(time.Now()),
			Direction: call.Outbound, From: call.Party{Extension: "1001"}, To: call.Party{Number: "+6281351111451"}, Agent: call.Agent{Name: "Budi"},
		},
		Content: content,
		Route:   func(*call.Record) ([]string, error) { return []string{"crm"}, nil },
	}
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// bury makes a dead letter of a new call.
func (r *rig) bury(id string) {
	r.t.Helper()
	r.buryAs(id, "no such field")
}

// buryAs makes one with what the sink said.
func (r *rig) buryAs(id, answer string) {
	r.t.Helper()
	ctx := r.t.Context()
	if err := r.spool.SetLanes(ctx, []spool.LaneConfig{{Sink: "crm", GiveUpAfter: time.Hour}}); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.spool.Accept(ctx, acceptance(id)); err != nil {
		r.t.Fatal(err)
	}
	leased, err := r.spool.Lease(ctx, "crm", spool.Places{Limit: 1, Doubtful: 1})
	if err != nil || len(leased) != 1 {
		r.t.Fatalf("leased %d: %v", len(leased), err)
	}
	tried := []spool.Attempt{{At: time.Now(), Result: "rejected", Status: 422, Detail: answer}}
	if err := r.spool.Bury(leased[0], tried, spool.Rejected, answer); err != nil {
		r.t.Fatal(err)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); <-time.After(5 * time.Millisecond) {
		if letters, err := r.spool.LettersOfCall(ctx, call.NewID("dialer", id)); err == nil && len(letters) > 0 {
			return
		}
	}
	r.t.Fatal("no dead letter was made")
}

// keep makes dead letters of callbacks.
func (r *rig) keep(bodies ...string) {
	r.t.Helper()
	for _, body := range bodies {
		if err := r.spool.KeepUndecodable(r.t.Context(), spool.Undecodable{Source: "dialer", Body: []byte(body), Detail: "not JSON"}); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) replay(p operate.Replay) operate.Replayed {
	r.t.Helper()
	out, err := r.operator().Replay(r.t.Context(), p)
	if err != nil {
		r.t.Fatal(err)
	}
	return out
}

// all selects all dead letters.
func all() operate.Selection { return operate.Selection{Filter: &operate.LetterFilter{}} }
