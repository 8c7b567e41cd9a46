package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// goBudget is a Go benchmark that stands in the table. Time depends on the
// machine, allocations hardly do: so these have the budget.
type goBudget struct {
	name   string // package and benchmark
	what   string
	allocs float64
}

func goBudgets() []goBudget {
	return []goBudget{
		{"adapter/nxcc.Convert/call", "parse and normalise, NXCC", 14},
		{"adapter/infin8linx.Convert/call", "parse and normalise, Infin8linx", 14},
		{"internal/call.HashContent/sorted", "hash of the content, keys in order", 1},
		{"internal/call.HashContent/unsorted", "hash of the content, keys in none", 2},
		{"internal/call.HashContent/escaped", "hash of the content, strings with escapes", 3},
		{"internal/route.Match/3", "match 3 rules", 8},
		{"internal/route.Match/30", "match 30 rules", 40},
		{"internal/expr.TreeJSON", "render a body template of the example", 85},
		{"sinks/webhook.Request/record", "webhook: the record as it is", 8},
		{"sinks/webhook.Request/header", "webhook: templates in URL and header", 20},
		{"sinks/slack.Request/default", "Slack: the readable summary", 480},
		{"internal/call.RecordEncode/own", "encode a record", 1},
		{"internal/call.RecordEncode/encoding-json", "the same by encoding/json", 14},
		{"internal/call.RecordDecode", "decode a record", 24},
		{"internal/intake.Handler/nxcc/published", "an NXCC callback, without network and store", 32},
		{"internal/intake.Handler/nxcc/escaped", "the same, strings with escapes", 39},
		{"internal/intake.Handler/infin8linx/published", "an Infin8linx callback, without network and store", 32},
		{"internal/outbound.Do", "one exchange with a sink, the sink included", 100},
		{"internal/delivery.Attempt/plain", "one attempt: request, exchange, counters", 80},
		{"internal/delivery.Attempt/signed", "the same, signed", 90},
		{"internal/spool/sqlite.Accept", "accept, 64 at a time, with the sync", 38},
		{"internal/spool/sqlite.AcceptNumbers/100000", "the same with other numbers each, beside 100,000 calls", 44},
		{"internal/spool/sqlite.AcceptAlone", "accept, one after the other, with the sync", 42},
		{"internal/spool/sqlite.Lease", "lease 32 deliveries", 950},
		{"internal/spool/sqlite.Settle", "settle, committed in groups", 13},
		{"internal/spool/sqlite.LeaseSettle", "lease and settle one", 38},
	}
}

// goTable makes the table of what `go test -bench . -benchmem` printed.
func goTable(text string) (string, error) {
	measured := readGo(text)
	var b strings.Builder
	var missing []error
	b.WriteString("| what | benchmark | ns/op | B/op | allocs/op | budget, allocs/op | |\n| --- | --- | ---: | ---: | ---: | ---: | --- |\n")
	for _, budget := range goBudgets() {
		m, ok := measured[budget.name]
		if !ok {
			missing = append(missing, fmt.Errorf("benchmark %s was not run", budget.name))
			continue
		}
		allocs := median(m["allocs/op"])
		met := map[bool]string{true: "met", false: "**not met**"}[allocs <= budget.allocs]
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s | %.0f | %s |\n", budget.what, budget.name,
			number(median(m["ns/op"])), number(median(m["B/op"])), fmt.Sprintf("%.0f", allocs), budget.allocs, met)
	}
	return b.String(), errors.Join(missing...)
}

// readGo collects the values of each benchmark by their units. The format is
// that of golang.org/x/perf, of which no more is needed here.
func readGo(text string) map[string]map[string][]float64 {
	out := map[string]map[string][]float64{}
	pkg := ""
	for line := range strings.Lines(text) {
		if name, ok := strings.CutPrefix(line, "pkg: github.com/cdrelay/cdrelay/"); ok {
			pkg = strings.TrimSpace(name)
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 4 || !strings.HasPrefix(fields[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(fields[0], "Benchmark")
		if at := strings.LastIndexByte(name, '-'); at > 0 {
			name = name[:at]
		}
		name = pkg + "." + name
		if out[name] == nil {
			out[name] = map[string][]float64{}
		}
		for i := 2; i+1 < len(fields); i += 2 {
			if v, err := strconv.ParseFloat(fields[i], 64); err == nil {
				out[name][fields[i+1]] = append(out[name][fields[i+1]], v)
			}
		}
	}
	return out
}
