package delivery

import (
	"log/slog"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// TestInherit: a reload that replaces a lane hands on the pause and what was
// learned of the sink, and does not let a burst begin again, unless the rate was
// changed.
func TestInherit(t *testing.T) {
	lane := func(perSecond float64) *Lane {
		return New("crm", Settings{Rate: &outbound.Rate{PerSecond: perSecond, Burst: 5}}, Deps{Log: slog.New(slog.DiscardHandler)})
	}
	old := lane(0.001)
	now := time.Now()
	old.proof = proof{since: now, newest: now.Add(time.Second)}
	old.opinions.asked(ask{delivery: &spool.Delivery{Seq: 1}, begun: now, ended: now, wait: time.Minute})
	old.quota.end(now, time.Minute)
	old.tell.open.Store(true)
	old.rate.AllowN(time.Now(), 5)

	same, other := lane(0.001), lane(0.002)
	same.Succeed(old)
	other.Succeed(old)
	same.Inherit(old)
	other.Inherit(old)
	if got := same.rate.Tokens(); got >= 1 {
		t.Errorf("%.1f tokens after the burst was used up", got)
	}
	if got := other.rate.Tokens(); got < 4 {
		t.Errorf("%.1f tokens of another rate, want its burst", got)
	}
	for _, l := range []*Lane{same, other} {
		if !l.opinions.holds() || len(l.opinions.askers) != 1 || l.proof != old.proof || l.quota.free != old.quota.free || !l.tell.open.Load() || l.health != old.health {
			t.Error("the pause, what was learned of the sink, or what was logged was not taken over")
		}
	}
}

// TestARetiredLaneLeavesTheRest: attempts on their way finish, and what comes after
// a lane was told to go is the next one's, also where it had not begun.
func TestARetiredLaneLeavesTheRest(t *testing.T) {
	bubble(t, func(w *world) {
		to := always(reply{status: 200, took: 3 * time.Second})
		r := w.start("crm", setup{}, to)
		w.accept("crm", "a")
		w.sleep(time.Second)
		r.Retire()
		w.accept("crm", "b")
		w.sleep(time.Minute)
		w.isState("crm", "delivered", "a")
		w.isState("crm", "waiting", "b")
		r.stop(0)

		late := w.lane("crm", setup{}, to)
		late.Retire()
		late.run()
		w.sleep(time.Minute)
		w.isState("crm", "waiting", "b")
		late.stop(0)
		w.start("crm", setup{}, to)
		w.sleep(time.Minute)
		w.isState("crm", "delivered", "b")
	})
}
