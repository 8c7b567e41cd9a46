package main

import (
	"context"
	"errors"

	"github.com/cdrelay/cdrelay/internal/testbed/bench/peer"
)

// never compares a lane alone with one to which the sink never takes one call of
// twenty: it answers 500 as often as it is asked.
func (h *harness) never(ctx context.Context) (out section, err error) {
	out.Title = "one call of twenty that its sink never takes, 64 connections"
	var servers [2]*server
	var sinks [2]*target
	for i, path := range []string{"/0", peer.NeverPath} {
		if sinks[i], err = h.sink(ctx, "127.0.0.1:0"); err != nil {
			return out, err
		}
		defer func() { err = errors.Join(err, sinks[i].close()) }()
		servers[i], err = h.serve(ctx, setup{sinks: sinkAt(sinks[i].address + path)})
		if err != nil {
			return out, err
		}
		defer func() { err = errors.Join(err, servers[i].close()) }()
		if err := servers[i].rest(); err != nil {
			return out, err
		}
	}
	h.say("beside calls that the sink never takes")
	sides, err := h.inTurn(
		func() (lap, error) { return h.delivering(ctx, &servers[0].side, sinks[0], 64, 1) },
		func() (lap, error) { return h.delivering(ctx, &servers[1].side, sinks[1], 64, 1) },
	)
	if err != nil {
		return out, err
	}
	// The sink counts a call when it comes first, taken or not.
	healthy := func(l lap) float64 { return l.rate * (peer.NeverOf - 1) / peer.NeverOf }
	alone, beside := sides[0], sides[1]
	out.add("never.alone", "delivered alone", "/s", alone.each(rate)...)
	out.add("never.beside", "healthy calls delivered beside the others", "/s", beside.each(healthy)...)
	var ratio []float64
	for i := range alone {
		ratio = append(ratio, healthy(beside[i])/rate(alone[i]))
	}
	out.add("never.ratio", "ratio", "", ratio...).least(0.9)
	out.add("never.cpu", "CPU-seconds per 10,000 delivered, beside", "s", beside.each(lap.per10k)...)
	return out, nil
}
