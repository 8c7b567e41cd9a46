package dashboard

import "fmt"

// Sizes of a picture, in its own units.
const (
	chartHigh = 48
	barStep   = 4
	barWide   = 3
	chartWide = sampleCount * barStep
)

// chart is a picture of an hour, one bar a minute, the present at the right.
type chart struct {
	Name string
	// Total is the number beside the picture, Unit says what it counts.
	Total float64
	Unit  string
	// Label describes the picture for those who cannot see it.
	Label string
	Tone  string
	Bars  []bar
}

// bar is one minute.
type bar struct{ X, Y, Width, Height int }

func newChart(name, unit, tone string, total float64, minutes []float64) chart {
	c := chart{Name: name, Unit: unit, Tone: tone, Total: total}
	highest := 0.0
	for _, v := range minutes {
		highest = max(highest, v)
	}
	c.Label = fmt.Sprintf("%s, minute by minute over the last hour: at most %s, now %s", name, count(highest), count(minutes[len(minutes)-1]))
	for i, v := range minutes {
		if v <= 0 {
			continue
		}
		high := max(2, int(v/highest*chartHigh))
		c.Bars = append(c.Bars, bar{
			X: chartWide - (len(minutes)-i)*barStep, Y: chartHigh - high, Width: barWide, Height: high,
		})
	}
	return c
}
