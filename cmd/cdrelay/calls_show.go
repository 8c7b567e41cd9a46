package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

func callsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID|NUMBER",
		Short: "Show one call: its record, its deliveries, every attempt",
		Long: `show shows one call with all that is known about it: by its ID, as calls list shows it,
or the newest call of a telephone number, written as you know it.`,
		Example: `  cdrelay calls show dialer:9513923-263056202
  cdrelay calls show 0812-3456-7890`,
		Args: exactly(1, "one ID, as calls list shows it, or one telephone number"),
		RunE: asOperator(func(o *operator, args []string) error {
			id, err := o.callID(args[0])
			if err != nil {
				return err
			}
			return show(o, callPath(id), o.printCall)
		}),
	}
}

// callID returns the id of a call: as it is written, or that of the newest call of a
// number. Ids have a colon behind the name of their source.
func (o *operator) callID(written string) (string, error) {
	if strings.Contains(written, ":") {
		return written, nil
	}
	var ids []string
	err := o.client.List(o.ctx(), "/api/v1/calls", url.Values{"number": {written}}, 2, func(item json.RawMessage) error {
		var c operate.CallItem
		err := json.Unmarshal(item, &c)
		ids = append(ids, c.ID)
		return err
	})
	switch {
	case err != nil:
		return "", err
	case len(ids) == 0:
		return "", errors.New("no call has this number, nor one that ends so; where its callback could not be understood, cdrelay dlq list --number finds that")
	case len(ids) > 1 && ids[0] != ids[1]: // not two revisions
		o.say("this is the newest call of the number; cdrelay calls list --number finds all")
	}
	return ids[0], nil
}

// show prints the one thing at a path: as it came where JSON is asked for.
func show[T any](o *operator, path string, table func(T) error) error {
	var text json.RawMessage
	if err := o.client.Get(o.ctx(), path, nil, &text); err != nil {
		return err
	}
	if o.json {
		return printJSON(o.out(), text)
	}
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	return table(v)
}

func callPath(id string) string { return "/api/v1/calls/" + url.PathEscape(id) }

func (o *operator) printCall(c operate.CallDetail) error {
	f := facts{to: o.screen}
	f.add("call", fmt.Sprintf("%s, revision %d", c.ID, c.Revision))
	f.add("received", o.when(c.ReceivedAt))
	f.add("rules", strings.Join(c.Rules, "; "))
	r := operate.RecordOf(c.Record)
	o.addRecord(&f, r)
	if err := f.print(); err != nil {
		return err
	}
	if len(c.Deliveries) == 0 {
		if _, err := fmt.Fprintln(o.out(), "\nNo rule gave it to a sink."); err != nil {
			return err
		}
	}
	for _, d := range c.Deliveries {
		if err := o.printDelivery(r.Masker(), d); err != nil {
			return err
		}
	}
	if err := o.printEvents(c.Events); err != nil {
		return err
	}
	return o.printOthers(c.Others)
}

// addRecord adds what a person asks of a call first.
func (o *operator) addRecord(f *facts, r *call.Record) {
	if r == nil {
		f.add("record", "damaged")
		return
	}
	f.add("source", r.Source+" ("+r.Format+")")
	f.add("direction", string(r.Direction))
	f.add("outcome", string(r.Outcome))
	f.add("from", o.party(r.From))
	f.add("to", o.party(r.To))
	f.add("agent", strings.TrimSpace(o.masked(r.Masker(), r.Agent.Name)+" "+r.Agent.Extension))
	f.add("started", o.when(r.StartedAt))
	f.add("talked", seconds(r.TalkSeconds))
	f.add("warnings", o.masked(r.Masker(), strings.Join(r.Warnings, "; ")))
}

func (o *operator) printDelivery(m call.Masker, d operate.DeliveryDetail) error {
	f := facts{to: o.screen}
	f.add("sink", fmt.Sprintf("%s, revision %d", d.Sink, d.Revision))
	f.addCell("state", state(d.State))
	if d.Wait != nil {
		f.add("waits", o.masked(m, d.Wait.Why))
		f.add("next attempt", o.when(d.Wait.NextTryAt))
	}
	f.add("ended", o.when(d.EndedAt))
	f.add("dead letter", strings.TrimSpace(d.DeadLetter+" "+string(d.Reason)))
	f.add("what to do", d.Advice())
	if _, err := fmt.Fprintln(o.out()); err != nil {
		return err
	}
	if err := f.print(); err != nil {
		return err
	}
	return o.printAttempts(m, d.Attempts)
}

func (o *operator) printAttempts(m call.Masker, attempts []operate.Attempt) error {
	if len(attempts) == 0 {
		return nil
	}
	t := o.table(column{"ATTEMPT", 4, 0}, column{"TOOK", 1, 0}, column{"STATUS", 0, 0}, column{"RESULT", 0, 0}, column{"NEXT", 2, 0}, column{"DETAIL", 3, 20})
	for _, a := range attempts {
		status, next := "", ""
		if a.Status > 0 {
			status = strconv.Itoa(a.Status)
		}
		if a.NextAt != nil {
			next = stampIn(o.zone, *a.NextAt)
		}
		detail := strings.TrimPrefix(a.Warning+": "+a.Detail, ": ")
		if a.Step != "" {
			detail = a.Step + ": " + detail
		}
		row := cells(stampIn(o.zone, a.At), fmt.Sprintf("%d ms", a.Millis), status, "", next, o.masked(m, detail))
		row[3] = state(a.Result)
		t.row(row)
	}
	if err := t.end(); err != nil {
		return err
	}
	return o.printSent(m, attempts)
}

// printSent shows the latest request that did not deliver, and what its answer said
// beside the text.
func (o *operator) printSent(m call.Masker, attempts []operate.Attempt) error {
	for _, a := range slices.Backward(attempts) {
		if a.Request == nil {
			continue
		}
		f := facts{to: o.screen}
		f.add("last request", o.masked(m, a.Request.Method+" "+a.Request.URL))
		f.add("body", o.maskedBody(m, a.Request.Body))
		for _, name := range slices.Sorted(maps.Keys(a.Headers)) {
			f.add("answer", o.masked(m, name+": "+a.Headers[name]))
		}
		return f.print()
	}
	return nil
}

// facts prints names and values, one a line.
type facts struct {
	to    screen
	names []string
	cells []cell
}

// add adds a fact; one that is not known is left out.
func (f *facts) add(name, value string) { f.addCell(name, cell{text: value}) }

func (f *facts) addCell(name string, c cell) {
	if c.text != "" {
		f.names, f.cells = append(f.names, name), append(f.cells, c)
	}
}

func (f *facts) print() error {
	width := 0
	for _, name := range f.names {
		width = max(width, len(name))
	}
	for i, c := range f.cells {
		if _, err := fmt.Fprintf(f.to.w, "%-*s  %s\n", width, f.names[i], f.to.paint(c.tone, plaintext.Line(c.text))); err != nil {
			return err
		}
	}
	return nil
}

// print writes a line of output.
func (o *operator) print(format string, args ...any) {
	_, _ = fmt.Fprintln(o.out(), plaintext.Terminal(fmt.Sprintf(format, args...))) // the work is done; a closed pipe does not undo it
}
