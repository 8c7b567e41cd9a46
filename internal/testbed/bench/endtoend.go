package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// endToEnd compares cdrelay, from the callback to its delivery, with a reverse
// proxy to the same sink that keeps nothing. With several sinks the proxy is
// asked once for each delivery, cdrelay once for each call.
func (h *harness) endToEnd(ctx context.Context, sinks int) (out section, err error) {
	t, err := h.sink(ctx, "127.0.0.1:0")
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	s, err := h.serve(ctx, setup{sinks: sinksAt(t.address, sinks)})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := h.adopt(ctx, s); err != nil {
		return out, err
	}
	stock, err := h.proxy(ctx, t, sinks, 0)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, stock.close()) }()
	tuned, err := h.proxy(ctx, t, sinks, 512)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, tuned.close()) }()
	if err := errors.Join(s.rest(), stock.rest(), tuned.rest()); err != nil {
		return out, err
	}
	name := map[int]string{1: "one sink"}[sinks]
	if name == "" {
		name = fmt.Sprintf("%d sinks", sinks)
	}
	h.say("end to end, %s", name)
	sides, err := h.inTurn(
		func() (lap, error) {
			return s.counting(ctx, func() (lap, error) { return h.delivering(ctx, &s.side, t, 64, sinks) })
		},
		func() (lap, error) { return h.delivering(ctx, stock, t, 64, 1) },
		func() (lap, error) { return h.delivering(ctx, tuned, t, 64, 1) },
	)
	if err != nil {
		return out, err
	}
	out.Title = "callback to delivered, " + name + ", 64 connections"
	out.endToEnd(fmt.Sprintf("e2e.%d.", sinks), sides[0], sides[1], sides[2])
	if sinks == 1 {
		err = h.loadMemory(&out, s)
	}
	return out, err
}

// proxy starts a reverse proxy to the sink that keeps that many connections.
func (h *harness) proxy(ctx context.Context, t *target, sinks, connections int) (*side, error) {
	p, err := h.rival(ctx, "proxy", "http://"+t.address, strconv.Itoa(connections))
	if err == nil {
		p.paths = sinkPaths(sinks)
	}
	return p, err
}

// endToEnd adds the figures. The budget is against the proxy as it comes; the one
// that is tuned to keep a connection for each sender shows what is left to gain.
func (s *section) endToEnd(key string, ours, stock, tuned laps) {
	s.add(key+"rate", "delivered by cdrelay", "/s", ours.each(rate)...)
	s.add(key+"cpu", "CPU-seconds per 10,000 delivered, cdrelay", "s", ours.each(lap.per10k)...)
	s.add(key+"proxy", "delivered by ReverseProxy as it comes", "/s", stock.each(rate)...)
	s.add(key+"proxy.cpu", "CPU-seconds per 10,000 delivered, ReverseProxy as it comes", "s", stock.each(lap.per10k)...)
	s.add(key+"ratio", "ratio of throughput", "", ratios(ours, stock, rate)...).least(0.8)
	s.add(key+"cpu.ratio", "ratio of deliveries per CPU-second", "", ratios(stock, ours, lap.per10k)...).least(0.8)
	s.add(key+"tuned", "delivered by ReverseProxy with 512 kept connections", "/s", tuned.each(rate)...)
	s.add(key+"tuned.ratio", "ratio of throughput to that", "", ratios(ours, tuned, rate)...)
	s.add(key+"tuned.cpu.ratio", "ratio of deliveries per CPU-second to that", "", ratios(tuned, ours, lap.per10k)...)
	s.add(key+"intake", "callbacks answered meanwhile", "/s", ours.each(func(l lap) float64 { return float64(l.Answered) / l.Seconds })...)
	s.add(key+"commits", "commits per callback", "", ours.each(func(l lap) float64 { return l.commits / float64(l.Answered) })...).most(0.2)
	s.add(key+"written", "bytes written to the disk per callback", "B", ours.each(func(l lap) float64 { return float64(l.work.written) / float64(l.Answered) })...)
	s.add(key+"repeats", "deliveries that came twice", "", ours.each(func(l lap) float64 { return float64(l.repeats) })...)
	s.add(key+"sink.cpu", "cost of the sink per 10,000 requests", "s", ours.each(func(l lap) float64 { return l.sinkCPU / float64(l.done) * 1e4 })...)
}

// loadMemory adds the memory of a server that was under load.
func (h *harness) loadMemory(out *section, s *server) error {
	_, most, err := s.memory()
	out.add("memory.load", "greatest resident memory under this load", "MB", most).most(120)
	return err
}

// sinkPaths are the paths of the sink, one for each lane.
func sinkPaths(n int) []string {
	var paths []string
	for i := range n {
		paths = append(paths, fmt.Sprintf("/%d", i))
	}
	return paths
}

// sinkAt configures one lane to an address with its path, and one rule for it.
func sinkAt(address string) string {
	return "sinks: [{name: s0, webhook: {url: \"http://" + address + "\"}}]\nrules: [{name: all, to: [s0]}]\n"
}

// sinksAt configures lanes to the sink, and one rule for all.
func sinksAt(address string, n int) string {
	var names, sinks strings.Builder
	for i, path := range sinkPaths(n) {
		fmt.Fprintf(&sinks, "  - {name: s%d, webhook: {url: \"http://%s%s\"}}\n", i, address, path)
		fmt.Fprintf(&names, "s%d, ", i)
	}
	return "sinks:\n" + sinks.String() + "rules: [{name: all, to: [" + strings.TrimSuffix(names.String(), ", ") + "]}]\n"
}
