package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/operate"
)

func sinksShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Show one sink: how it is and why, its last failure with the request, success and latency",
		Long: `show says how a sink is: whether it takes calls, what it answered last that did not
deliver, with the request that was sent, when something is tried next, what waits, and
how many attempts went well and how long they took in the last five minutes, hour and
day. Telephone numbers are masked; cdrelay calls show prints those of the call.`,
		Args:              exactly(1, "the NAME of a sink"),
		ValidArgsFunction: sinkNames,
		RunE: asOperator(func(o *operator, args []string) error {
			return show(o, sinksPath+"/"+url.PathEscape(args[0]), o.printSink)
		}),
	}
}

func (o *operator) printSink(s operate.Sink) error {
	f := facts{to: o.screen}
	f.add("sink", strings.TrimSpace(s.Name+" "+s.Kind))
	f.addCell("state", cell{s.Summary, operate.Tone(s.State)})
	f.add("what to do", operate.Advice(s.State))
	f.add("waiting", waitingOf(s))
	if s.Pending > 0 {
		f.add("list them", "cdrelay calls list --state waiting --sink "+s.Name)
	}
	f.add("oldest", o.when(s.OldestPendingAt))
	f.add("next try", o.when(s.NextTryAt))
	f.add("pause ends", o.pauseEnd(s.Paused))
	if s.Paused.ByOperator() {
		f.add("who paused it", "cdrelay "+eventsName+" --sink "+s.Name)
	}
	f.add("failing since", o.failingSince(s))
	f.add("last delivered", o.when(s.LastDeliveredAt))
	f.add("dead letters", reasonsOf(s))
	o.addFailure(&f, s.LastFailure)
	if err := f.print(); err != nil {
		return err
	}
	if err := o.printRecent(s.Recent); err != nil || len(s.NotFound) == 0 {
		return err
	}
	t := o.table(column{"NOT FOUND", 0, 0}, column{"NUMBER", 0, 0}, column{"AGENT", 2, 10}, column{"TIMES", 1, 0}, column{"LATEST", 0, 0}, column{"CALL", 3, 10})
	for _, n := range s.NotFound {
		t.row(cells(n.Step, n.Number, n.Agent, strconv.Itoa(n.Times), o.when(n.At), n.CallID))
	}
	return t.end()
}

func waitingOf(s operate.Sink) string {
	text := strconv.FormatInt(s.Pending, 10)
	if s.InFlight > 0 {
		text += fmt.Sprintf(", %d on their way", s.InFlight)
	}
	if s.Doubtful > 0 {
		text += fmt.Sprintf(", %d fail while it takes others", s.Doubtful)
	}
	return text
}

func (o *operator) pauseEnd(p *operate.Paused) string {
	if p == nil {
		return ""
	}
	return cmp.Or(o.when(p.Until), "when it is resumed")
}

func (o *operator) failingSince(s operate.Sink) string {
	if s.Failures == 0 {
		return ""
	}
	return fmt.Sprintf("%s, %s", o.when(s.FailingSince), count(s.Failures, "attempt"))
}

// reasonsOf counts dead letters, the most frequent reason first.
func reasonsOf(s operate.Sink) string {
	if len(s.DeadLettersByReason) == 0 {
		return strconv.FormatInt(s.DeadLetters, 10)
	}
	reasons := slices.Collect(maps.Keys(s.DeadLettersByReason))
	slices.Sort(reasons)
	slices.SortStableFunc(reasons, func(a, b operate.Reason) int {
		return cmp.Compare(s.DeadLettersByReason[b], s.DeadLettersByReason[a])
	})
	var parts []string
	for _, r := range reasons {
		parts = append(parts, fmt.Sprintf("%d %s", s.DeadLettersByReason[r], strings.ReplaceAll(string(r), "_", " ")))
	}
	return strings.Join(parts, ", ")
}

// addFailure adds the last failure with what was sent. The server has masked it.
func (o *operator) addFailure(f *facts, last *operate.SinkFailure) {
	if last == nil {
		return
	}
	f.addCell("last failure", cell{o.when(last.At) + " " + strings.ReplaceAll(last.Result, "_", " "), operate.Tone(last.Result)})
	f.add("answer", last.Detail)
	for _, name := range slices.Sorted(maps.Keys(last.Headers)) {
		f.add("header", name+": "+last.Headers[name])
	}
	f.add("call", last.CallID)
	if last.Request != nil {
		f.add("request", last.Request.Method+" "+last.Request.URL)
		f.add("body", last.Request.Body)
	}
}

// printRecent prints the windows of a sink or a source.
func (o *operator) printRecent(r *operate.Recent) error {
	if r == nil {
		return nil
	}
	if _, err := fmt.Fprintln(o.out()); err != nil {
		return err
	}
	t := o.table(column{"LAST", 0, 0}, column{"TOTAL", 0, 0}, column{"SUCCESS", 0, 0}, column{"P50", 2, 0}, column{"P95", 0, 0}, column{"P99", 3, 0}, column{"RESULTS", 1, 20}, column{"SINCE", 4, 0})
	for _, w := range []struct {
		name string
		operate.Window
	}{{"5 minutes", r.FiveMinutes}, {"hour", r.Hour}, {"day", r.Day}} {
		latency := []string{"", "", ""}
		if l := w.Latency; l != nil {
			latency = []string{operate.Millis(l.P50), operate.Millis(l.P95), operate.Millis(l.P99)}
		}
		row := append([]string{w.name, strconv.Itoa(w.Total), percent(w.SuccessRate)}, latency...)
		t.row(cells(append(row, resultsOf(w.Results), o.when(w.Since))...))
	}
	return t.end()
}

func resultsOf(results map[string]int) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(results)) {
		parts = append(parts, fmt.Sprintf("%d %s", results[name], strings.ReplaceAll(name, "_", " ")))
	}
	return strings.Join(parts, ", ")
}

// percent writes a part of 1; nothing where there is none.
func percent(rate *float64) string {
	if rate == nil {
		return ""
	}
	return operate.Percent(*rate)
}
