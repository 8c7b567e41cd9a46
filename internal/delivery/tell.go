package delivery

import (
	"log/slog"
	"sync/atomic"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/plaintext"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// teller logs changes of a lane's state, once each.
type teller struct {
	open  atomic.Bool // the breaker was not closed when last told
	blind bool        // the store could not be read when last told; the dispatcher's
}

func (t *teller) inherit(old *teller) {
	t.open.Store(old.open.Load())
	t.blind = old.blind
}

// opened logs that the breaker opened, by the worker whose attempt made it open or
// came next: it knows what was sent, and what came back.
func (l *Lane) opened(d *spool.Delivery, out outbound.Outcome) {
	if !l.tell.open.CompareAndSwap(false, true) {
		return
	}
	masker := d.Record.Masker()
	facts := []any{
		"failure", masker.Text(out.Detail), "result", out.Meaning.String(), "call", d.Record,
		"next_try", l.deps.Client.ReadyAt(), "waiting", l.deps.Store.Waiting(l.name),
	}
	if n := len(out.Tries); n > 0 && out.Tries[n-1].Sent != nil {
		sent := out.Tries[n-1].Sent
		facts = append(facts, "request_method", sent.Method, "request_url", masker.Text(sent.URL), "request_body", masker.Body(plaintext.Line(sent.Body)))
	}
	l.log.Warn("the breaker opened: deliveries wait until the sink is well again", facts...)
}

// closed logs that the breaker closed, where it was told that it opened.
func (t *teller) closed(log *slog.Logger, s outbound.State) {
	if s == outbound.Closed && t.open.CompareAndSwap(true, false) {
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
