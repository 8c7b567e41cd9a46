package delivery

import (
	"log/slog"
	"testing"
	"time"
)

// TestInherit: a reload that replaces a lane hands on a pause that no disk has
// taken, and does not let a burst begin anew, unless the rate was changed.
func TestInherit(t *testing.T) {
	lane := func(perSecond float64) *Lane {
		return New("crm", Settings{Rate: &RateSettings{PerSecond: perSecond, Burst: 5}}, Deps{Log: slog.New(slog.DiscardHandler)})
	}
	old := lane(0.001)
	until := time.Now().Add(time.Minute).UnixMilli()
	old.rest.Store(until)
	old.tell.open = true
	old.rate.AllowN(time.Now(), 5)

	same, other := lane(0.001), lane(0.002)
	same.Inherit(old)
	other.Inherit(old)
	if got := same.rate.Tokens(); got >= 1 {
		t.Errorf("%.1f tokens after the burst was used up", got)
	}
	if got := other.rate.Tokens(); got < 4 {
		t.Errorf("%.1f tokens of another rate, want its burst", got)
	}
	if same.rest.Load() != until || other.rest.Load() != until || !same.tell.open {
		t.Error("the pause, or what was logged, was not taken over")
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
