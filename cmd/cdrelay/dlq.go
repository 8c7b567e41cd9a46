package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/plaintext"
	"github.com/cdrelay/cdrelay/internal/spool"
)

const lettersPath = "/api/v1/dead-letters"

func dlqCommand() *cobra.Command {
	cmd := group("dlq", "List, show, replay, purge and export dead letters of a running server",
		dlqListCommand(), dlqShowCommand(), dlqReplayCommand(), dlqPurgeCommand(), dlqExportCommand())
	cmd.Long = `A dead letter is a delivery given up (stage delivery), or a callback that could not
be understood (stage intake). It is kept until it is replayed or purged, at the
longest for spool.dead_letter_retention.`
	return cmd
}

// letterFilter are the flags that select dead letters: by name, with the times.
type letterFilter struct {
	values       map[string]*string
	since, until string
}

func (f *letterFilter) flags(cmd *cobra.Command) {
	f.values = map[string]*string{}
	for _, name := range operate.LetterFilterNames() {
		f.values[name] = cmd.Flags().String(name, "", map[string]string{
			"stage":  "only those of this stage: intake or delivery",
			"sink":   "only those of this sink",
			"source": "only those of calls of this source",
			"reason": "only those with this reason: undecodable, rejected, render, expired, failing or sink_removed",
			"number": "only those of calls, or callbacks, with this telephone number as you know it, or its end",
			"answer": "only those of which the answer said this, as list --groups shows it",
		}[name])
	}
	timeFlags(cmd, &f.since, &f.until)
	completeSinks(cmd)
	// It fails for a flag that is not there.
	_ = cmd.RegisterFlagCompletionFunc("source", sourceNames)
	for name, values := range map[string][]string{"stage": {"intake", "delivery"}, "reason": reasons()} {
		_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
}

func reasons() []string {
	var out []string
	for _, r := range operate.Reasons() {
		out = append(out, string(r))
	}
	return out
}

// empty reports whether no flag selects anything.
func (f *letterFilter) empty() bool {
	for _, value := range f.values {
		if *value != "" {
			return false
		}
	}
	return f.since == "" && f.until == ""
}

// check refuses values that select nothing because they are misspelt.
func (f *letterFilter) check() error {
	if stage := *f.values["stage"]; stage != "" && stage != "intake" && stage != "delivery" {
		return &usageError{fmt.Errorf("--stage is intake or delivery, not %q", stage)}
	}
	if reason := *f.values["reason"]; reason != "" && !slices.Contains(reasons(), reason) {
		return &usageError{fmt.Errorf("--reason %q is none: there are %v", reason, reasons())}
	}
	return nil
}

// query returns the parameters of a listing.
func (f *letterFilter) query(o *operator) (url.Values, error) {
	q := url.Values{}
	if err := f.check(); err != nil {
		return nil, err
	}
	for name, value := range f.values {
		setQuery(q, name, *value)
	}
	return q, o.setTimes(q, f.since, f.until)
}

// body returns the filter of a replay or a purge. Times are fixed once, so that
// "2h ago" means the same in every part of a long one.
func (f *letterFilter) body(o *operator) (map[string]string, error) {
	q, err := f.query(o)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for name := range q {
		out[name] = q.Get(name)
	}
	return out, nil
}

func dlqListCommand() *cobra.Command {
	var f letterFilter
	var limit int
	var groups bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List dead letters, newest first, or what they have in common",
		Long: `list lists dead letters, newest first. With --groups it lists how many there are of
each sink (or source), reason and what the answer said; # is in the place of what differs
from call to call: numbers, times, ids. The flags --sink, --reason and --answer select
a group in list, replay, purge and export.`,
		Example: `  cdrelay dlq list --sink crm --since 2h
  cdrelay dlq list --number 0812-3456-7890
  cdrelay dlq list --groups
  cdrelay dlq list --stage intake -o json`,
		Args: exactly(0, "no arguments"),
		RunE: asOperator(func(o *operator, _ []string) error {
			q, err := f.query(o)
			if err != nil {
				return err
			}
			if groups {
				return o.listGroups(q, limit)
			}
			return list(o, lettersPath, q, limit, o.lettersTable())
		}),
	}
	f.flags(cmd)
	cmd.Flags().BoolVar(&groups, "groups", false, "list groups: by sink, reason and what the answer said")
	cmd.Flags().IntVar(&limit, "limit", 50, "at most so many; 0 for all")
	return cmd
}

func (o *operator) lettersTable() rows {
	return rows{
		columns: []column{
			{"CREATED", 5, 0}, {"ID", 0, 0}, {"STAGE", 2, 0}, {"SINK", 4, 0}, {"REASON", 0, 0}, {"CALL", 6, 0}, {"TRIES", 1, 0}, {"WHO", 7, 0}, {"DETAIL", 3, 20},
		},
		noun: "dead letter", none: "no dead letter matches",
		cells: func(item json.RawMessage) ([]cell, error) {
			var l operate.LetterItem
			if err := json.Unmarshal(item, &l); err != nil {
				return nil, err
			}
			return cells(o.when(l.CreatedAt), l.ID, string(l.Stage), l.Sink, string(l.Reason), l.CallID, strconv.Itoa(l.Attempts), o.who(l.Call), o.masked(call.Masker{}, l.Detail)), nil
		},
	}
}

func dlqShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show one dead letter: why it was made, its call and attempts, or its body",
		Args:  exactly(1, "one ID, as dlq list shows it"),
		RunE: asOperator(func(o *operator, args []string) error {
			return show(o, lettersPath+"/"+url.PathEscape(args[0]), o.printLetter)
		}),
	}
}

func (o *operator) printLetter(l operate.LetterDetail) error {
	r := operate.RecordOf(l.Record)
	m := r.Masker()
	f := facts{to: o.screen}
	f.add("dead letter", l.ID)
	f.add("created", o.when(l.CreatedAt))
	f.add("stage", string(l.Stage))
	f.add("reason", string(l.Reason))
	f.add("detail", o.masked(m, l.Detail))
	f.add("what to do", operate.Advice(l.Reason))
	f.add("sink", l.Sink)
	f.add("call", l.CallID)
	if l.Stage == spool.StageDelivery {
		o.addRecord(&f, r)
	} else {
		f.add("source", l.Source)
		f.add("content type", l.Request.Header["Content-Type"])
	}
	if err := f.print(); err != nil {
		return err
	}
	if l.Stage == spool.StageDelivery {
		return o.printAttempts(m, l.Log)
	}
	if l.BodyBase64 != nil {
		_, err := fmt.Fprintf(o.out(), "\nThe body is %d bytes and no text: -o json shows it in base64.\n", len(l.BodyBase64))
		return err
	}
	_, err := fmt.Fprintf(o.out(), "\n%s\n", plaintext.Terminal(o.maskedBody(m, l.Body)))
	return err
}

// selectionFlags are those of what works on many dead letters.
type selectionFlags struct {
	letterFilter
	all, dryRun, yes bool
}

func (f *selectionFlags) flags(cmd *cobra.Command) {
	f.letterFilter.flags(cmd)
	cmd.Flags().BoolVar(&f.all, "all", false, "all dead letters")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "count only, change nothing")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
}

// selection is what a request selects: ids, or a filter.
type selection struct {
	ids    []string
	filter map[string]string
	step   int // how many go in one request; 0 for part
}

// read returns the selection of ids, filter flags or --all, which go alone.
func (f *selectionFlags) read(o *operator, ids []string) (selection, error) {
	ways := 0
	for _, used := range []bool{len(ids) > 0, !f.empty(), f.all} {
		if used {
			ways++
		}
	}
	if ways != 1 {
		return selection{}, &usageError{errors.New("say which dead letters: either IDs, or filters such as --sink and --since, or --all")}
	}
	if len(ids) > 0 {
		return selection{ids: ids}, nil
	}
	filter, err := f.body(o)
	return selection{filter: filter}, err
}

// part is how many dead letters go in one request.
const part = 500

// parts calls f with the body of each request; f returns the answer, which says where to
// go on. All of them are one event.
func (s selection) parts(f func(body map[string]any) (operate.Selected, error)) error {
	step, event := cmp.Or(s.step, part), ""
	send := func(body map[string]any) (next string, err error) {
		if event != "" {
			body["event"] = event
		}
		done, err := f(body)
		event = cmp.Or(event, done.Event)
		return done.NextCursor, err
	}
	if s.filter == nil {
		for ids := s.ids; len(ids) > 0; {
			n := min(step, len(ids))
			if _, err := send(map[string]any{"ids": ids[:n]}); err != nil {
				return err
			}
			ids = ids[n:]
		}
		return nil
	}
	for cursor := ""; ; {
		body := map[string]any{"filter": s.filter, "limit": step}
		if cursor != "" {
			body["cursor"] = cursor
		}
		next, err := send(body)
		if err != nil || next == "" {
			return err
		}
		cursor = next
	}
}

// count asks the server how many dead letters a selection has.
func (o *operator) count(path string, s selection) (operate.Counted, error) {
	total := operate.Counted{DryRun: true, BySink: map[string]int{}}
	err := s.parts(func(body map[string]any) (operate.Selected, error) {
		body["dry_run"] = true
		delete(body, "limit")
		var one operate.Counted
		err := o.client.Post(o.ctx(), path, body, &one)
		total.Add(one)
		return operate.Selected{}, err
	})
	if err == nil && total.Matched == 0 && s.filter != nil {
		o.say("no dead letter matches%s", o.misnamed(s.filter["sink"], ""))
	}
	return total, err
}

// later formats the time of a request.
func later(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
