package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
)

const eventsPath = "/api/v1/events"

// eventsName is the name of the one command besides list that prints CSV.
const eventsName = "events"

func eventsCommand() *cobra.Command {
	var call, sink, since, until string
	var limit int
	cmd := &cobra.Command{
		Use:   eventsName,
		Short: "Show what operators did: who paused, replayed, resent, purged, erased or reloaded, and when",
		Long: `events lists what was changed through the private listener, newest first: by which
token, from which address, when, and what. Reloads by a signal or by a change of the
file are among it, and a salvage of the spool by a command, which shows no token.`,
		Example: `  cdrelay events --sink crm --since yesterday
  cdrelay events --call dialer:8812 -o json`,
		Args: exactly(0, "no arguments"),
		RunE: asOperator(func(o *operator, _ []string) error {
			q := url.Values{}
			setQuery(q, "call", call)
			setQuery(q, "sink", sink)
			if err := o.setTimes(q, since, until); err != nil {
				return err
			}
			return list(o, eventsPath, q, limit, o.eventsTable())
		}),
	}
	operatorFlags(cmd)
	cmd.Flags().StringVar(&call, "call", "", "only what changed something of the call with this ID")
	cmd.Flags().StringVar(&sink, "sink", "", "only what was about this sink")
	timeFlags(cmd, &since, &until)
	completeSinks(cmd)
	cmd.Flags().IntVar(&limit, "limit", 50, "at most so many; 0 for all")
	return cmd
}

func eventColumns() []column {
	return []column{{"AT", 0, 0}, {"WHAT", 0, 0}, {"WHO", 3, 0}, {"FROM", 2, 0}, {"VIA", 1, 0}, {"SINKS", 5, 8}, {"CALL", 6, 0}, {"COUNT", 4, 0}, {"DETAIL", 7, 20}}
}

func (o *operator) eventRow(e operate.Event) []cell {
	n := ""
	if e.Count > 0 {
		n = fmt.Sprint(e.Count)
	}
	return cells(o.when(e.At), string(e.Action), e.Token, e.Address, e.Via, strings.Join(e.Sinks, ", "), e.CallID, n, o.masked(call.Masker{}, e.Detail))
}

func (o *operator) eventsTable() rows {
	return rows{
		columns: eventColumns(), noun: "event", none: "nobody changed anything",
		cells: func(item json.RawMessage) ([]cell, error) {
			var e operate.Event
			if err := json.Unmarshal(item, &e); err != nil {
				return nil, err
			}
			return o.eventRow(e), nil
		},
	}
}

// printEvents prints what operators did with a call.
func (o *operator) printEvents(events []operate.Event) error {
	if len(events) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(o.out(), "\nwhat operators did:"); err != nil {
		return err
	}
	t := o.table(eventColumns()...)
	for _, e := range events {
		e.CallID = "" // the one that is shown
		t.row(o.eventRow(e))
	}
	return t.end()
}

// printOthers prints the other calls of the customer.
func (o *operator) printOthers(others []operate.OtherCall) error {
	if len(others) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(o.out(), "\nother calls of this number:"); err != nil {
		return err
	}
	t := o.table(column{"RECEIVED", 1, 0}, column{"ID", 0, 0}, column{"DIRECTION", 2, 0}, column{"OUTCOME", 3, 0})
	for _, c := range others {
		t.row(cells(o.when(c.ReceivedAt), c.ID, string(c.Direction), string(c.Outcome)))
	}
	return t.end()
}
