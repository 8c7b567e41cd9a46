package delivery

import (
	"log/slog"

	"github.com/cdrelay/cdrelay/internal/outbound"
)

// teller logs changes of a lane's state, once each. Only the dispatcher uses it.
type teller struct {
	open  bool // the breaker was not closed when last told
	blind bool // the store could not be read when last told
}

func (t *teller) breaker(log *slog.Logger, s outbound.State) {
	switch {
	case s == outbound.Open && !t.open:
		t.open = true
		log.Warn("the breaker opened: deliveries wait until the sink is well again")
	case s == outbound.Closed && t.open:
		t.open = false
		log.Info("the breaker closed: the sink is well again")
	}
}

func (t *teller) reading(log *slog.Logger, err error) {
	switch {
	case err != nil && !t.blind:
		log.Error("the lane cannot read what it has to deliver", "error", err)
	case err == nil && t.blind:
		log.Info("the lane can read again what it has to deliver")
	}
	t.blind = err != nil
}
