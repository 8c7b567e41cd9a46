package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/moment"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/plaintext"
	"github.com/cdrelay/cdrelay/internal/spool"
)

func callsCommand() *cobra.Command {
	return group("calls", "List, show, resend and erase calls of a running server",
		callsListCommand(), callsShowCommand(), callsResendCommand(), callsEraseCommand())
}

// callFilter are the flags that select calls: by name, with the times.
type callFilter struct {
	values       map[string]*string
	since, until string
}

func (f *callFilter) flags(cmd *cobra.Command) {
	f.values = map[string]*string{}
	for _, name := range operate.CallFilterNames() {
		f.values[name] = cmd.Flags().String(name, "", map[string]string{
			"number":    "a telephone number as you know it, or its end: with or without +, spaces, and what is dialled before it",
			"source":    "only calls of this source",
			"sink":      "only calls with a delivery to this sink",
			"state":     "only calls with a delivery in this state: waiting, delivered, dead or superseded; with --sink, to that one",
			"outcome":   "only calls that ended so, such as answered or no_answer",
			"direction": "only calls of this direction: inbound, outbound, internal or unknown",
			"agent":     "only calls of this agent: the id, the extension, the e-mail address or the name",
			"account":   "only calls of this company or account of the vendor",
		}[name])
	}
	timeFlags(cmd, &f.since, &f.until)
	completeSinks(cmd)
	// They fail for a flag that is not there, which a test would show.
	_ = cmd.RegisterFlagCompletionFunc("source", sourceNames)
	_ = cmd.RegisterFlagCompletionFunc("outcome", fixed(call.Outcomes()))
	_ = cmd.RegisterFlagCompletionFunc("direction", fixed(call.Directions()))
	_ = cmd.RegisterFlagCompletionFunc("state", fixed(spool.DeliveryStates()))
}

// fixed completes the values of an enum.
func fixed[E ~string](values []E) cobra.CompletionFunc {
	var out []string
	for _, v := range values {
		out = append(out, string(v))
	}
	return cobra.FixedCompletions(out, cobra.ShellCompDirectiveNoFileComp)
}

// query returns the parameters of a listing.
func (f *callFilter) query(o *operator) (url.Values, error) {
	q := url.Values{}
	for name, value := range f.values {
		setQuery(q, name, *value)
	}
	return q, o.setTimes(q, f.since, f.until)
}

func callsListCommand() *cobra.Command {
	var f callFilter
	var limit int
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List calls, newest first",
		Example: `  cdrelay calls list --number 0812-3456-7890
  cdrelay calls list --number 7890 --since yesterday
  cdrelay calls list --outcome no_answer --since 2026-01-31 -o json
  cdrelay calls list --sink crm --state waiting`,
		Args: exactly(0, "no arguments"),
		RunE: asOperator(func(o *operator, _ []string) error {
			q, err := f.query(o)
			if err != nil {
				return err
			}
			return list(o, "/api/v1/calls", q, limit, o.callsTable())
		}),
	}
	f.flags(cmd)
	cmd.Flags().IntVar(&limit, "limit", 50, "at most so many; 0 for all")
	return cmd
}

// timeFlags are those of everything that can be selected by time.
func timeFlags(cmd *cobra.Command, since, until *string) {
	cmd.Flags().StringVar(since, "since", "", "only from this time on, in the terminal's zone: "+moment.Forms)
	cmd.Flags().StringVar(until, "until", "", "only before this time, written likewise")
}

// setTimes reads the flags into a query.
func (o *operator) setTimes(q url.Values, since, until string) error {
	now := time.Now().In(o.zone)
	for _, f := range []struct{ name, text string }{{"since", since}, {"until", until}} {
		if f.text == "" {
			continue
		}
		t, err := moment.Parse(f.text, now)
		if err != nil {
			return &usageError{fmt.Errorf("--%s: %w", f.name, err)}
		}
		q.Set(f.name, t.UTC().Format(time.RFC3339))
	}
	return nil
}

// rows writes a listing as a table.
type rows struct {
	columns []column
	// cells reads one item.
	cells func(item json.RawMessage) ([]cell, error)
	// noun is what an item is, none what is said when there are no items.
	noun, none string
}

// list prints a listing: a table, or one JSON value a line.
func list(o *operator, path string, q url.Values, limit int, r rows) error {
	if limit < 0 {
		return &usageError{fmt.Errorf("--limit is 0 for all, or more, not %d", limit)}
	}
	if o.json {
		return o.client.List(o.ctx(), path, q, limit, func(item json.RawMessage) error {
			_, err := fmt.Fprintf(o.out(), "%s\n", plaintext.JSON(item))
			return err
		})
	}
	t := o.table(r.columns...)
	err := o.client.List(o.ctx(), path, q, limit, func(item json.RawMessage) error {
		row, err := r.cells(item)
		if err != nil {
			return fmt.Errorf("an item of the listing is not understood; is the server another version of cdrelay? %w", err)
		}
		t.row(row)
		return nil
	})
	n := len(t.rows)
	if n > 0 || t.csv && err == nil {
		if terr := t.end(); err == nil {
			err = terr
		}
	}
	if err != nil {
		return err
	}
	if n == 0 {
		o.say("%s%s", r.none, o.misnamed(q.Get("sink"), q.Get("source")))
	}
	if n == limit && limit > 0 {
		o.say("%s shown, and there may be more: raise --limit", count(n, r.noun))
	}
	return nil
}

func (o *operator) callsTable() rows {
	return rows{
		columns: []column{
			{"RECEIVED", 7, 0}, {"ID", 0, 0}, {"DIRECTION", 2, 0}, {"OUTCOME", 6, 0}, {"FROM", 3, 0}, {"TO", 4, 0}, {"TALK", 1, 0}, {"DELIVERIES", 5, 16},
		},
		noun: "call", none: "no call matches",
		cells: func(item json.RawMessage) ([]cell, error) {
			var c operate.CallItem
			if err := json.Unmarshal(item, &c); err != nil {
				return nil, err
			}
			id := c.ID
			if c.Revision > 1 {
				id += fmt.Sprintf(" (%d)", c.Revision)
			}
			row := cells(o.when(c.ReceivedAt), id, "", "damaged", "", "", "")
			if r := c.Record; r != nil {
				row = cells(o.when(c.ReceivedAt), id, string(r.Direction), string(r.Outcome), o.party(r.From), o.party(r.To), seconds(r.TalkSeconds))
			}
			return append(row, states(c.Deliveries)), nil
		},
	}
}

func seconds(n *int) string {
	if n == nil {
		return ""
	}
	return strconv.Itoa(*n) + " s"
}

// states says where deliveries are, in few words; the tone is that of the worst.
func states(all []operate.SinkState) cell {
	var texts, tones []string
	for _, s := range all {
		one := state(s.State)
		texts, tones = append(texts, s.Sink+": "+one.text), append(tones, one.tone)
	}
	return cell{strings.Join(texts, ", "), worst(tones...)}
}
