package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/route"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// The states of a delivery that end it.
const (
	delivered  = "delivered"
	buried     = "dead_letter"
	superseded = "superseded"
)

// push is one revision of a call with the sinks that must get it.
type push struct {
	record  *call.Record
	content call.ContentHash
	// chosen are the sinks with the rule that chose each first.
	chosen []choice
}

// choice is a sink and the rule that named it.
type choice struct{ sink, rule string }

// find reads a push from the spool and asks the rules about it.
func (s *stage) find(ctx context.Context, id string, revision int) (*push, error) {
	detail, err := s.app.Spool().Call(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("trace: %w", err)
	}
	i := slices.IndexFunc(detail.Revisions, func(r spool.CallSummary) bool { return r.Revision == revision })
	if i < 0 {
		return nil, fmt.Errorf("trace: revision %d of %s is not in the spool", revision, id)
	}
	p := &push{record: new(call.Record)}
	if err := json.Unmarshal(detail.Revisions[i].Record, p.record); err != nil {
		return nil, fmt.Errorf("trace: record of %s: %w", id, err)
	}
	if p.content, err = call.HashContent(p.record.Raw); err != nil {
		return nil, fmt.Errorf("trace: record of %s: %w", id, err)
	}
	p.chosen = choices(s.loaded.Rules, p.record)
	return p, nil
}

// choices tells which sinks get the record, and by which rules.
func choices(rules []route.Rule, r *call.Record) []choice {
	decision := route.New(rules, nil).Match(r)
	var out []choice
	for _, sink := range decision.Sinks {
		i := slices.IndexFunc(rules, func(r route.Rule) bool { return slices.Contains(r.To, sink) })
		for ; i < len(rules); i++ { // the first rule that names it need not have matched
			if decision.Rules[i].Matched && slices.Contains(rules[i].To, sink) {
				break
			}
		}
		out = append(out, choice{sink: sink, rule: decision.Rules[i].Rule})
	}
	return out
}

// message is the id that all tries of the delivery to a sink carry.
func (p *push) message(sink string) string { return call.MessageID(p.record.ID, p.content, sink) }

// try is one request to a sink, or a sink's wish to be left alone.
type try struct {
	at time.Time
	// meaning is that of internal/outbound, by name.
	meaning string
	// said is the answer, or the error.
	said string
	// wait is the time from its end to the next try; 0 where none is planned.
	wait time.Duration
}

// progress is how far a delivery is.
type progress struct {
	state string
	tries []try
}

func (p progress) ended() bool {
	return slices.Contains([]string{delivered, buried, superseded}, p.state)
}

// progress reads how far the delivery of a push to a sink is. Attempts come from
// the spool; a pause that the sink asked for spends no attempt and comes from the
// stand-in's notes.
func (s *stage) progress(ctx context.Context, p *push, sink string) (progress, error) {
	detail, err := s.app.Spool().Call(ctx, p.record.ID)
	if err != nil {
		return progress{}, fmt.Errorf("trace: %w", err)
	}
	i := slices.IndexFunc(detail.Deliveries, func(d spool.DeliveryStatus) bool {
		return d.Sink == sink && d.Revision == p.record.Revision
	})
	if i < 0 {
		return progress{}, fmt.Errorf("trace: %s is owed nothing of %s", sink, p.record.ID)
	}
	out := progress{state: detail.Deliveries[i].State}
	for _, a := range detail.Deliveries[i].Attempts {
		out.tries = append(out.tries, attempted(a))
	}
	if standIn := s.standIn(sink); standIn != nil {
		out.tries = append(out.tries, pauses(standIn.of(p.message(sink)))...)
	}
	slices.SortStableFunc(out.tries, func(a, b try) int { return a.at.Compare(b.at) })
	return out, nil
}

func attempted(a spool.Attempt) try {
	t := try{at: a.At, meaning: a.Result, said: a.Detail}
	if t.said == "" || a.Step != "" && a.Result == outbound.Delivered.String() {
		t.said = statusLine(a.Status)
	}
	if a.Step != "" {
		t.said = a.Step + ": " + t.said
	}
	if a.NextAt != nil {
		t.wait = a.NextAt.Sub(a.At.Add(time.Duration(a.Millis) * time.Millisecond))
	}
	return t
}

// pauses are the answers that asked for one.
func pauses(notes []note) []try {
	var out []try
	for _, n := range notes {
		seconds, err := strconv.Atoi(n.reply.retryAfter)
		if err != nil {
			continue
		}
		out = append(out, try{
			at: n.at, meaning: outbound.Paused.String(), wait: time.Duration(seconds) * time.Second,
			said: statusLine(n.reply.status) + ": " + n.reply.body,
		})
	}
	return out
}

func statusLine(status int) string { return fmt.Sprintf("%d %s", status, http.StatusText(status)) }

// standIn is the endpoint behind a sink of the demo; nil for one that the user has
// added.
func (s *stage) standIn(sink string) *standIn { return s.standIns[sink] }

// pollEvery is how often the spool is asked for news.
const pollEvery = 25 * time.Millisecond

// follow watches a delivery to its end and tells of each try after the first
// `known` ones as soon as it is seen.
func (s *stage) follow(ctx context.Context, p *push, sink string, known int, tell func(try)) (progress, error) {
	for {
		now, err := s.progress(ctx, p, sink)
		if err != nil {
			return now, err
		}
		for ; known < len(now.tries); known++ {
			tell(now.tries[known])
		}
		if now.ended() {
			return now, nil
		}
		if err := s.wait(ctx, pollEvery); err != nil {
			return now, err
		}
	}
}

// letterOf gives the dead letter of a delivery.
func (s *stage) letterOf(ctx context.Context, p *push, sink string) (spool.DeadLetter, error) {
	return s.letter(ctx, spool.LetterFilter{Stage: spool.StageDelivery, Sink: sink}, func(l spool.DeadLetter) bool {
		return l.CallID == p.record.ID
	})
}

// letter gives the newest dead letter that is wanted.
func (s *stage) letter(ctx context.Context, f spool.LetterFilter, wanted func(spool.DeadLetter) bool) (spool.DeadLetter, error) {
	page, _, err := s.app.Spool().SearchLetters(ctx, f, 100, "")
	if err != nil {
		return spool.DeadLetter{}, fmt.Errorf("trace: %w", err)
	}
	i := slices.IndexFunc(page, wanted)
	if i < 0 {
		return spool.DeadLetter{}, fmt.Errorf("trace: no such dead letter: %w", spool.ErrNotFound)
	}
	return page[i], nil
}
