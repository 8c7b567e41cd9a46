package webhook

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// series is one attempt at a delivery: it begins at the first step and goes on as
// far as the answers let it.
type series struct {
	sink      *Sink
	messageID string
	record    *call.Record
	// steps are the results so far, remembered those that earlier attempts kept, and
	// kept those that the next ones are to see.
	steps, remembered map[string]expr.Result
	kept              map[string]string
	// budget is what the steps that are over have left.
	budget expr.Budget
	// guessed are the steps whose result is a placeholder, because one was not sent.
	guessed []string
	// at is the step that is due, and due what is known of it.
	at  int
	due due
	// asked are the questions of lookups that were answered, by step; those in open
	// are still held.
	asked map[int]question
	open  map[int]question
}

// due is the state of the step that is due.
type due struct {
	// left is the budget after it.
	left expr.Budget
	// took is what it took from the answer.
	took expr.Result
	// paced: its rate lets it go.
	paced bool
	// withheld: it is not sent.
	withheld bool
}

// Series returns the requests of one attempt. remembered has what the steps of
// earlier attempts kept.
func (s *Sink) Series(messageID string, r *call.Record, remembered map[string]string) outbound.Series {
	return s.series(messageID, r, remembered)
}

func (s *Sink) series(messageID string, r *call.Record, remembered map[string]string) *series {
	a := &series{sink: s, messageID: messageID, record: r, budget: expr.NewBudget(s.deps.MaxRequest)}
	if s.isPlain() {
		return a
	}
	a.steps, a.remembered = map[string]expr.Result{}, make(map[string]expr.Result, len(remembered))
	a.asked, a.open = map[int]question{}, map[int]question{}
	for name, text := range remembered {
		a.remembered[name] = expr.TextResult(text)
	}
	return a
}

// Next implements outbound.Series.
func (a *series) Next() (outbound.Turn, error) {
	for a.at < len(a.sink.steps) {
		turn, over, err := a.next(a.sink.steps[a.at])
		if err != nil || !over {
			return turn, err
		}
	}
	return outbound.Turn{}, nil
}

// next returns what a step wants; over where it wants nothing any more.
func (a *series) next(st *step) (turn outbound.Turn, over bool, err error) {
	request, err := a.render(st)
	if err = a.sink.withoutSecrets(err); err != nil && len(a.guessed) > 0 {
		a.due.withheld = true
		return outbound.Turn{Request: unshown(st, err)}, false, nil
	}
	if err != nil {
		return turn, false, err
	}
	if request == nil {
		a.pass(st, expr.Result{})
		return turn, true, nil
	}
	a.due.withheld = a.sink.deps.Shadow && (!st.lookup || !a.isKnown(st))
	if request.Withheld = a.due.withheld; request.Withheld {
		return outbound.Turn{Request: request}, false, nil
	}
	if st.cache > 0 {
		q := questionOf(a.at, request)
		known := a.sink.lookups.ask(q, a, st.fillable)
		if known.wait != nil {
			return outbound.Turn{Wait: known.wait}, false, nil
		}
		a.asked[a.at], a.open[a.at] = q, q
		if known.known {
			a.sink.counted(st, countOf(known.result))
			if st.remember {
				a.remember(st, known.result)
			}
			a.pass(st, known.result)
			return turn, true, nil
		}
	}
	if wait := a.pace(st); wait != nil {
		return outbound.Turn{Wait: wait}, false, nil
	}
	request.Read = a.reader(st)
	return outbound.Turn{Request: request}, false, nil
}

// render renders the request of a step; nil where its condition does not hold.
func (a *series) render(st *step) (*outbound.Request, error) {
	view := a.view(a.record.ReceivedAt.Time)
	holds, err := st.when.Holds(view)
	if err != nil {
		return nil, st.wrap(fmt.Errorf("when: %w", err))
	}
	if !holds {
		a.due.left = view.Left()
		return nil, nil //nolint:nilnil // no request and no error: the step is skipped
	}
	id := a.sink.idOf(st, a.messageID)
	request, err := st.request(id, view, func(at time.Time) *expr.View { return a.view(at) })
	a.due.left = view.Left()
	return request, st.wrap(err)
}

// view is what the templates of the step that is due see.
func (a *series) view(at time.Time) *expr.View {
	return expr.NewRendering(a.record, expr.Rendering{
		Lookup: a.sink.lookup, Now: at, Steps: a.steps, Remembered: a.remembered, Budget: a.budget,
	})
}

// pace takes a place in the rate of a step, or returns the wait for one.
func (a *series) pace(st *step) func(context.Context) error {
	if st.rate == nil || a.due.paced || st.rate.Allow() {
		a.due.paced = true
		return nil
	}
	return func(ctx context.Context) error {
		err := st.rate.Wait(ctx)
		a.due.paced = err == nil
		return err
	}
}

// reader reads the answer to a step, and takes its result from one that delivers.
func (a *series) reader(st *step) func(outbound.Answer) outbound.Verdict {
	if st.result.IsZero() {
		return st.read
	}
	return func(answer outbound.Answer) outbound.Verdict {
		v := st.read(answer)
		if v.Meaning != outbound.Delivered {
			return v
		}
		result, err := st.take(answer)
		if err != nil {
			return outbound.Verdict{Meaning: outbound.Rejected, Detail: fmt.Sprintf("result: %v: %s", err, v.Detail)}
		}
		a.due.took = result
		return v
	}
}

// Advance implements outbound.Series.
func (a *series) Advance() {
	st := a.sink.steps[a.at]
	result := a.due.took
	switch {
	case a.due.withheld:
		a.pass(st, a.guess(st))
		return
	case st.remember:
		a.remember(st, result)
	}
	if st.cache > 0 {
		a.sink.counted(st, contract.LookupAsked)
		a.sink.lookups.keep(a.asked[a.at], result, st.cache)
	}
	if st.lookup && result.IsEmpty() && !st.result.IsZero() {
		a.sink.missing.note(st, a.record)
	}
	a.pass(st, result)
}

// isKnown reports whether a step reads no placeholder: the sink would be asked for what
// it does not have.
func (a *series) isKnown(st *step) bool {
	return !slices.ContainsFunc(st.reads, func(name string) bool { return slices.Contains(a.guessed, name) })
}

// guess returns the placeholder of a step that was not sent.
func (a *series) guess(st *step) expr.Result {
	result := placeholder(st)
	if !result.IsEmpty() {
		a.guessed = append(a.guessed, st.name)
		if st.fills >= 0 {
			a.guessed = append(a.guessed, a.sink.steps[st.fills].name)
		}
	}
	return result
}

// remember keeps a result for later attempts. An empty one is nothing to remember.
func (a *series) remember(st *step, result expr.Result) {
	text, _ := result.Text() // take has refused all others
	if text == "" {
		return
	}
	if a.kept == nil {
		a.kept = map[string]string{}
	}
	a.kept[st.name] = text
}

// pass goes on to the next step. A question whose answer no step may fill any more is
// left to others.
func (a *series) pass(st *step, result expr.Result) {
	if !a.sink.isPlain() {
		a.steps[st.name] = result
		a.fill(st, result)
		for at, q := range a.open {
			if last := a.sink.steps[at].lastFill; last <= a.at || !a.steps[a.sink.steps[at].name].IsEmpty() {
				a.leave(at, q)
			}
		}
	}
	a.budget = a.due.left
	a.at, a.due = a.at+1, due{}
}

// fill puts a result in the place of what a lookup did not find.
func (a *series) fill(st *step, result expr.Result) {
	if st.fills < 0 || result.IsEmpty() {
		return
	}
	lookup := a.sink.steps[st.fills]
	if !a.steps[lookup.name].IsEmpty() {
		return
	}
	a.steps[lookup.name] = result
	if q, asked := a.asked[st.fills]; asked && !a.sink.deps.Shadow {
		a.sink.lookups.keep(q, result, lookup.cache)
		delete(a.asked, st.fills) // it stays, also where this delivery fails
	}
}

func (a *series) leave(at int, q question) {
	delete(a.open, at)
	a.sink.lookups.leave(q, a)
}

// Kept implements outbound.Series.
func (a *series) Kept() map[string]string { return a.kept }

// End implements outbound.Series. What a delivery was refused for may be a result
// that is out of date.
func (a *series) End(m outbound.Meaning) {
	if m == outbound.Rejected && len(a.asked) > 0 {
		questions := make([]question, 0, len(a.asked))
		for _, q := range a.asked {
			questions = append(questions, q)
		}
		a.sink.lookups.drop(questions)
	}
	for at, q := range a.open {
		a.leave(at, q)
	}
}
