package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// settled is how long after a wake and after the last arrival the figures are
// read: what was due while the process was stopped is done, and what it reports
// of the last attempts (50 ms) is committed.
const settled = 300 * time.Millisecond

// lap is one round of one side.
type lap struct {
	fired
	work      usage   // of the side
	rate      float64 // requests, or deliveries, per second
	done      int64   // requests, or deliveries
	repeats   int64   // requests that the sink got too often
	sinkCPU   float64
	commits   float64 // cdrelay alone: commits, and those that held calls
	groups    float64
	groupSize float64
}

// per10k is the CPU time of the side for 10,000 requests or deliveries.
func (l lap) per10k() float64 { return l.work.cpu / float64(l.done) * 1e4 }

// posting measures how fast a side answers.
func (h *harness) posting(ctx context.Context, s *side, connections int) (lap, error) {
	return h.lap(ctx, s, func(l *lap) (err error) {
		l.fired, err = h.fire(ctx, s, connections)
		if err == nil {
			l.done, l.rate = l.Answered, float64(l.Answered)/l.Seconds
		}
		return err
	})
}

// delivering measures how fast what is posted arrives; each request that is
// answered leads to so many deliveries.
func (h *harness) delivering(ctx context.Context, s *side, t *target, connections, each int) (lap, error) {
	return h.lap(ctx, s, func(l *lap) error {
		before, err := t.used()
		if err != nil {
			return err
		}
		requests, err := t.await(0, 0)
		if err != nil {
			return err
		}
		t.calls = requests.Calls
		if l.fired, err = h.fire(ctx, s, connections); err != nil {
			return err
		}
		l.done = l.Answered * int64(each)
		arrived, err := t.await(l.done, patience)
		if err != nil {
			return err
		}
		if got := arrived.Calls - t.calls; got != l.done {
			return fmt.Errorf("%d of %d deliveries arrived\n%s", got, l.done, s.stderr)
		}
		l.repeats = arrived.Requests - requests.Requests - l.done
		l.rate = float64(l.done) / (float64(arrived.Last-l.Began) / 1e9)
		after, err := t.used()
		l.sinkCPU = after.cpu - before.cpu
		return errors.Join(err, pause(ctx, settled))
	})
}

// lap wakes a side for one measurement and counts what it uses.
func (h *harness) lap(ctx context.Context, s *side, do func(*lap) error) (l lap, err error) {
	if err := errors.Join(s.wake(), pause(ctx, settled)); err != nil {
		return l, err
	}
	before, err := s.used()
	if err != nil {
		return l, err
	}
	if err := do(&l); err != nil {
		return l, err
	}
	after, err := s.used()
	l.work = usage{cpu: after.cpu - before.cpu, written: after.written - before.written}
	return l, errors.Join(err, s.rest())
}

// counting adds to a lap of cdrelay what its metrics say of commits.
func (s *server) counting(ctx context.Context, measure func() (lap, error)) (lap, error) {
	read := func() (map[string]float64, error) {
		if err := s.wake(); err != nil {
			return nil, err
		}
		return s.metrics(ctx)
	}
	before, err := read()
	if err != nil {
		return lap{}, err
	}
	l, err := measure()
	if err != nil {
		return l, err
	}
	after, err := read()
	delta := func(series string) float64 { return after[series] - before[series] }
	l.commits = delta("cdrelay_spool_commit_duration_seconds_count")
	l.groups = delta("cdrelay_spool_commit_calls_count")
	l.groupSize = delta("cdrelay_spool_commit_calls_sum") / max(l.groups, 1)
	return l, errors.Join(err, s.rest())
}

// laps are the rounds of one side.
type laps []lap

// each gives one value of every round.
func (ls laps) each(f func(lap) float64) []float64 {
	var out []float64
	for _, l := range ls {
		out = append(out, f(l))
	}
	return out
}

func rate(l lap) float64 { return l.rate }

// ratios divides the rounds of a by those of b, one by one.
func ratios(a, b laps, f func(lap) float64) []float64 {
	var out []float64
	for i := range a {
		out = append(out, f(a[i])/f(b[i]))
	}
	return out
}

// inTurn measures sides alternately, so many rounds after one that warms them
// and does not count.
func (h *harness) inTurn(sides ...func() (lap, error)) ([]laps, error) {
	out := make([]laps, len(sides))
	full := h.seconds
	defer func() { h.seconds = full }()
	for round := range h.rounds + 1 {
		h.seconds = full
		if round == 0 {
			h.seconds = full / 4
		}
		for i, measure := range sides {
			l, err := measure()
			if err != nil {
				return nil, err
			}
			if round > 0 {
				out[i] = append(out[i], l)
			}
		}
	}
	return out, nil
}
