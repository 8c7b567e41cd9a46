package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/cdrelay/cdrelay/internal/testbed/bench/stock"
)

// growthReport is what `bench growth` leaves.
type growthReport struct {
	report
	Curves []curve `json:"curves"`
}

// curve is how one cost grows with one thing.
type curve struct {
	Key    string  `json:"key"`
	Title  string  `json:"title"`
	What   string  `json:"what"` // of which there are more and more
	Per    string  `json:"per"`  // callback or delivery
	Points []point `json:"points"`
}

// point is one place of a curve. Cost is in microseconds of CPU time.
type point struct {
	X    int64  `json:"x"`
	Cost figure `json:"cost"`
	Rate figure `json:"rate"`
}

// runGrowth measures how the cost of a callback grows.
func runGrowth(ctx context.Context, args []string, _ io.Reader, out io.Writer) error {
	s, r, curves, err := measure(ctx, "growth", args, out, func(h *harness) []func(context.Context) (curve, error) {
		return []func(context.Context) (curve, error){h.growStored, h.growSinks, h.growRules, h.growBodies}
	})
	if err != nil {
		return err
	}
	return growthReport{r, curves}.write(s.out)
}

func (g growthReport) write(folder string) error {
	b, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString(g.preamble() + "\n")
	for _, c := range g.Curves {
		text.WriteString(c.markdown() + "\n")
	}
	return errors.Join(
		os.WriteFile(filepath.Join(folder, "growth.json"), append(b, '\n'), 0o600),
		os.WriteFile(filepath.Join(folder, "growth.md"), []byte(text.String()), 0o600),
		os.WriteFile(filepath.Join(folder, "growth.svg"), []byte(plot(g.Curves)), 0o600),
	)
}

// markdown is the table of a curve.
func (c curve) markdown() string {
	plural := map[string]string{"callback": "callbacks per second", "delivery": "deliveries per second"}[c.Per]
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | CPU µs per %s | least – greatest | %s |\n| ---: | ---: | ---: | ---: |\n", c.What, c.Per, plural)
	for _, p := range c.Points {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", grouped(p.X), number(p.Cost.Value), p.Cost.spread(), number(p.Rate.Value))
	}
	return b.String()
}

// stage is one server of a curve.
type stage struct {
	x     int64
	setup setup
	each  int    // deliveries of one callback
	body  string // the harness's own where empty
}

// grow starts all stages of a curve and measures them in turn.
func (h *harness) grow(ctx context.Context, c curve, t *target, connections int, stages []stage) (_ curve, err error) {
	var sides []func() (lap, error)
	body := h.body
	defer func() { h.body = body }()
	for _, st := range stages {
		s, err := h.serve(ctx, st.setup)
		if err != nil {
			return c, err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		if err := s.rest(); err != nil {
			return c, err
		}
		sides = append(sides, func() (lap, error) {
			h.body = body
			if st.body != "" {
				h.body = st.body
			}
			return h.delivering(ctx, &s.side, t, connections, st.each)
		})
	}
	h.say("growth: %s", c.Title)
	all, err := h.inTurn(sides...)
	if err != nil {
		return c, err
	}
	for i, st := range stages {
		per := func(l lap) float64 { return float64(l.done) }
		if c.Per == "callback" {
			per = func(l lap) float64 { return float64(l.Answered) }
		}
		var s section
		cost := s.add(c.Key+".cost", "", "µs", all[i].each(func(l lap) float64 { return l.work.cpu / per(l) * 1e6 })...)
		speed := s.add(c.Key+".rate", "", "/s", all[i].each(func(l lap) float64 { return l.rate * per(l) / float64(l.done) })...)
		c.Points = append(c.Points, point{X: st.x, Cost: *cost, Rate: *speed})
	}
	return c, nil
}

// withSink runs a measurement with a sink of its own.
func (h *harness) withSink(ctx context.Context, do func(*target) (curve, error)) (c curve, err error) {
	t, err := h.sink(ctx, "127.0.0.1:0")
	if err != nil {
		return c, err
	}
	c, err = do(t)
	return c, errors.Join(err, t.close())
}

// growStored has ever more delivered calls in the spool.
func (h *harness) growStored(ctx context.Context) (curve, error) {
	return h.withSink(ctx, func(t *target) (curve, error) {
		stages := []stage{{x: 0, each: 1, setup: setup{sinks: sinksAt(t.address, 1)}}}
		for n := 100_000; n <= h.stored; n *= 10 {
			folder, err := os.MkdirTemp(h.dir, "stored-")
			if err != nil {
				return curve{}, err
			}
			h.say("%s calls are stored and delivered", grouped(int64(n)))
			path := filepath.Join(folder, "cdrelay.db")
			if err := fill(ctx, path, "s0", n); err != nil {
				return curve{}, err
			}
			if err := stock.Deliver(ctx, path, "s0", n); err != nil {
				return curve{}, err
			}
			stages = append(stages, stage{x: int64(n), each: 1, setup: setup{folder: folder, sinks: sinksAt(t.address, 1)}})
		}
		return h.grow(ctx, curve{Key: "stored", Title: "calls kept as history", What: "stored calls", Per: "callback"}, t, 64, stages)
	})
}

// growSinks delivers each call to ever more sinks.
func (h *harness) growSinks(ctx context.Context) (curve, error) {
	return h.withSink(ctx, func(t *target) (curve, error) {
		var stages []stage
		for _, n := range []int{1, 3, 10, 30, 100} {
			stages = append(stages, stage{x: int64(n), each: n, setup: setup{sinks: sinksAt(t.address, n)}})
		}
		return h.grow(ctx, curve{Key: "sinks", Title: "sinks that get each call", What: "sinks", Per: "delivery"}, t, 64, stages)
	})
}

// growRules has ever more rules, of which the last one matches.
func (h *harness) growRules(ctx context.Context) (curve, error) {
	return h.withSink(ctx, func(t *target) (curve, error) {
		var stages []stage
		for _, n := range []int{1, 10, 100, 1000} {
			var rules strings.Builder
			for i := range n - 1 {
				fmt.Fprintf(&rules, "  - {when: 'call.direction == \"outbound\" && call.agent.name == \"agent %d\"', to: [s0]}\n", i)
			}
			config := strings.Replace(sinksAt(t.address, 1), "rules: [", "rules:\n"+rules.String()+"  - ", 1)
			stages = append(stages, stage{x: int64(n), each: 1, setup: setup{sinks: strings.TrimSuffix(config, "]\n") + "\n"}})
		}
		return h.grow(ctx, curve{Key: "rules", Title: "rules read, the last one matches", What: "rules", Per: "callback"}, t, 64, stages)
	})
}

// growBodies posts ever larger callbacks. With few connections: what is being
// received at a time is bounded, and more would be told to come later.
func (h *harness) growBodies(ctx context.Context) (curve, error) {
	return h.withSink(ctx, func(t *target) (curve, error) {
		var stages []stage
		for _, n := range []int{500, 5_000, 50_000, 500_000} {
			body, err := h.writeBody(n)
			if err != nil {
				return curve{}, err
			}
			stages = append(stages, stage{x: int64(n), each: 1, body: body, setup: setup{sinks: sinksAt(t.address, 1)}})
		}
		return h.grow(ctx, curve{Key: "bodies", Title: "size of the callback", What: "bytes of a callback", Per: "callback"}, t, 16, stages)
	})
}
