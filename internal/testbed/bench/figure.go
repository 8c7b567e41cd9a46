package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// figure is one measured value.
type figure struct {
	// Key names it for those who compute with it.
	Key  string `json:"key"`
	What string `json:"what"`
	Unit string `json:"unit,omitempty"`
	// Samples are the values of the rounds; Value is their median.
	Samples []float64 `json:"samples"`
	Value   float64   `json:"value"`
	// AtLeast or AtMost is the budget, 0 for none.
	AtLeast float64 `json:"at_least,omitempty"`
	AtMost  float64 `json:"at_most,omitempty"`
	Met     *bool   `json:"met,omitempty"`
}

// section is a table of figures.
type section struct {
	Title   string    `json:"title"`
	Figures []*figure `json:"figures"`
}

// add appends a figure and gives it to be finished.
func (s *section) add(key, what, unit string, samples ...float64) *figure {
	f := &figure{Key: key, What: what, Unit: unit, Samples: samples, Value: median(samples)}
	s.Figures = append(s.Figures, f)
	return f
}

// least and most set the budget.
func (f *figure) least(v float64) { f.AtLeast = v; f.judge(f.Value >= v) }
func (f *figure) most(v float64)  { f.AtMost = v; f.judge(f.Value <= v) }

func (f *figure) judge(met bool) { f.Met = &met }

func median(samples []float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(samples))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// number prints a value with as many digits as mean something.
func number(v float64) string {
	switch a := math.Abs(v); {
	case a == 0:
		return "0"
	case a >= 1000:
		return grouped(int64(math.Round(v)))
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

// grouped prints a number with commas.
func grouped(n int64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return grouped(n/1000) + fmt.Sprintf(",%03d", n%1000)
}

// markdown is the table of a section.
func (s section) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | median | least – greatest | budget | |\n| --- | ---: | ---: | --- | --- |\n", s.Title)
	for _, f := range s.Figures {
		value, budget, met := strings.TrimSpace(number(f.Value)+" "+f.Unit), "", ""
		switch {
		case f.AtLeast != 0:
			budget = "≥ " + bound(f.AtLeast)
		case f.AtMost != 0:
			budget = "≤ " + bound(f.AtMost)
		}
		if f.Met != nil {
			met = map[bool]string{true: "met", false: "**not met**"}[*f.Met]
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", f.What, value, f.spread(), budget, met)
	}
	return b.String()
}

// spread is the least and the greatest of several rounds.
func (f figure) spread() string {
	if len(f.Samples) < 2 {
		return ""
	}
	return number(slices.Min(f.Samples)) + " – " + number(slices.Max(f.Samples))
}

// bound prints a budget as it is written.
func bound(v float64) string { return strings.TrimSuffix(fmt.Sprintf("%g", v), ".0") }
