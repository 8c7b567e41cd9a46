package main

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// The sizes of the plot, in pixels.
const (
	panelWidth, panelHeight = 420, 260
	padLeft, padRight       = 64, 24
	padTop, padBottom       = 40, 48
)

// plot draws the curves as panels of one SVG: the median of each point with the
// least and the greatest round, over a logarithmic axis.
func plot(curves []curve) string {
	var b strings.Builder
	width, height := 2*panelWidth, (len(curves)+1)/2*panelHeight
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="11" fill="#222">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<title>CPU time as things grow</title><rect width="%d" height="%d" fill="#fff"/>`+"\n", width, height)
	for i, c := range curves {
		fmt.Fprintf(&b, `<g transform="translate(%d,%d)">`+"\n", i%2*panelWidth, i/2*panelHeight)
		newPanel(c).draw(&b)
		b.WriteString("</g>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// panel is one curve with its scales.
type panel struct {
	curve
	low, high, top float64 // logarithms of x; greatest y
}

func newPanel(c curve) panel {
	p := panel{curve: c, low: math.Inf(1), high: math.Inf(-1)}
	for i, pt := range c.Points {
		p.low, p.high = min(p.low, p.log(i)), max(p.high, p.log(i))
		p.top = max(p.top, slices.Max(pt.Cost.Samples))
	}
	step := math.Pow(10, math.Floor(math.Log10(p.top)))
	p.top = math.Ceil(p.top/step) * step
	return p
}

// log is where a point stands; none at all stands one power of ten before the
// next.
func (p panel) log(i int) float64 {
	if x := p.Points[i].X; x > 0 {
		return math.Log10(float64(x))
	}
	return math.Log10(float64(p.Points[i+1].X)) - 1
}

func (p panel) x(i int) float64 {
	return padLeft + (p.log(i)-p.low)/(p.high-p.low)*(panelWidth-padLeft-padRight)
}

func (p panel) y(v float64) float64 {
	return panelHeight - padBottom - v/p.top*(panelHeight-padTop-padBottom)
}

func (p panel) draw(b *strings.Builder) {
	text := func(x, y float64, anchor, s string) {
		fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", x, y, anchor, html.EscapeString(s))
	}
	line := func(x1, y1, x2, y2 float64, colour string) {
		fmt.Fprintf(b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`+"\n", x1, y1, x2, y2, colour)
	}
	text(padLeft, 20, "start", "CPU µs per "+p.Per+": "+p.Title)
	for i := range 5 {
		v := p.top * float64(i) / 4
		line(padLeft, p.y(v), panelWidth-padRight, p.y(v), "#ddd")
		text(padLeft-6, p.y(v)+4, "end", number(v))
	}
	var points []string
	for i, pt := range p.Points {
		x, bottom := p.x(i), float64(panelHeight-padBottom)
		line(x, p.y(slices.Min(pt.Cost.Samples)), x, p.y(slices.Max(pt.Cost.Samples)), "#888")
		line(x, bottom, x, bottom+4, "#222")
		text(x, bottom+16, "middle", grouped(pt.X))
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="3" fill="#06c"/>`+"\n", x, p.y(pt.Cost.Value))
		points = append(points, fmt.Sprintf("%.1f,%.1f", x, p.y(pt.Cost.Value)))
	}
	fmt.Fprintf(b, `<polyline points="%s" fill="none" stroke="#06c" stroke-width="1.5"/>`+"\n", strings.Join(points, " "))
	text((padLeft+panelWidth-padRight)/2, panelHeight-12, "middle", p.What)
}
