package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
)

// nowhere is a sink at an address where nobody listens: the port is reserved and
// not one that the kernel gives away.
const nowhere = "http://127.0.0.1:9/"

// intake compares durable intake with a bare handler. The calls are kept with
// one delivery each, whose lane is paused, so that nothing but intake is
// measured. It also tells the syncs and the bytes of each callback, and what the
// generator costs.
func (h *harness) intake(ctx context.Context) (out section, err error) {
	s, err := h.paused(ctx, nil)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := h.adopt(ctx, s); err != nil {
		return out, err
	}
	bare, err := h.rival(ctx, "bare")
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, bare.close()) }()
	if err := errors.Join(s.rest(), bare.rest()); err != nil {
		return out, err
	}
	out.Title = "durable intake against a bare handler"
	for _, connections := range []int{1, 16, 64, 256} {
		h.say("intake, %d connections", connections)
		sides, err := h.inTurn(
			func() (lap, error) {
				return s.counting(ctx, func() (lap, error) { return h.posting(ctx, &s.side, connections) })
			},
			func() (lap, error) { return h.posting(ctx, bare, connections) },
		)
		if err != nil {
			return out, err
		}
		out.intake(connections, sides[0], sides[1])
	}
	return out, nil
}

// paused starts a server whose only lane rests.
func (h *harness) paused(ctx context.Context, wrap []string) (*server, error) {
	s, err := h.serve(ctx, setup{wrap: wrap, sinks: fmt.Sprintf(`
sinks: [{name: crm, webhook: {url: %q}}]
rules: [{name: all, to: [crm]}]
`, nowhere)})
	if err != nil {
		return nil, err
	}
	if _, err := s.ask(ctx, http.MethodPost, "/api/v1/sinks/crm/pause"); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// intake adds the figures of one number of connections.
func (s *section) intake(connections int, ours, theirs laps) {
	key := func(name string) string { return fmt.Sprintf("intake.%d.%s", connections, name) }
	at := fmt.Sprintf(", %d connections", connections)
	if connections == 1 {
		at = ", 1 connection"
	}
	s.add(key("rate"), "durable callbacks"+at, "/s", ours.each(rate)...)
	s.add(key("bare"), "bare handler"+at, "/s", theirs.each(rate)...)
	ratio := s.add(key("ratio"), "ratio"+at, "", ratios(ours, theirs, rate)...)
	if connections == 64 {
		ratio.least(0.5)
	}
	s.add(key("p99"), "99 % answered within"+at, "ms", ours.each(func(l lap) float64 { return l.P99 })...)
	syncs := s.add(key("commits"), "commits, each with a sync, per callback"+at, "", ours.each(func(l lap) float64 { return l.commits / float64(l.done) })...)
	s.add(key("cpu"), "CPU-seconds per 10,000 callbacks"+at, "s", ours.each(lap.per10k)...)
	if connections == 64 {
		syncs.most(0.2)
		s.add(key("group"), "callbacks in one commit"+at, "", ours.each(func(l lap) float64 { return l.groupSize })...)
		s.add(key("bare.cpu"), "the same, bare handler", "s", theirs.each(lap.per10k)...)
		s.add(key("written"), "bytes written to the disk per callback"+at, "B", ours.each(func(l lap) float64 { return float64(l.work.written) / float64(l.done) })...)
		s.add(key("generator"), "cost of the generator per 10,000 requests"+at, "s", ours.each(func(l lap) float64 { return l.cpu / float64(l.done) * 1e4 })...)
	}
}
