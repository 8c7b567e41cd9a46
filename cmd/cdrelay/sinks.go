package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

func sinksCommand() *cobra.Command {
	return group("sinks", "List, pause and resume the sinks of a running server",
		sinksListCommand(), sinksPauseCommand("pause", "Pause a sink until it is resumed; calls for it wait"),
		sinksPauseCommand("resume", "End the pause of a sink, whoever made it"))
}

func sinksListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the sinks with breaker, pause, and what waits",
		Args:  exactly(0, "no arguments"),
		RunE: asOperator(func(o *operator, _ []string) error {
			var status struct {
				Sinks []json.RawMessage `json:"sinks"`
			}
			if err := o.client.Get(o.ctx(), "/api/v1/status", nil, &status); err != nil {
				return err
			}
			if o.json {
				for _, s := range status.Sinks {
					o.print("%s", plaintext.JSON(s))
				}
				return nil
			}
			t := newTable(o.out(), "NAME", "KIND", "STATE", "WAITING", "OLDEST (UTC)", "IN FLIGHT", "DEAD LETTERS")
			for _, text := range status.Sinks {
				var s operate.Sink
				if err := json.Unmarshal(text, &s); err != nil {
					return err
				}
				t.row(s.Name, s.Kind, stateOf(s), strconv.FormatInt(s.Pending, 10), when(s.OldestPendingAt), strconv.Itoa(s.InFlight), strconv.FormatInt(s.DeadLetters, 10))
			}
			return t.end()
		}),
	}
}

// stateOf says in a few words whether the sink gets calls, and why not.
func stateOf(s operate.Sink) string {
	switch {
	case !s.Configured:
		return "not configured any more"
	case s.Paused.ByOperator():
		return "paused by an operator"
	case s.Paused != nil:
		return "paused by the sink until " + when(s.Paused.Until)
	case s.Breaker == "open":
		return "breaker open, next try " + when(s.RetryAt)
	case s.Breaker == "half_open":
		return "breaker half open"
	default:
		return "ready"
	}
}

func sinksPauseCommand(verb, short string) *cobra.Command {
	return &cobra.Command{
		Use:               verb + " NAME",
		Short:             short,
		Args:              exactly(1, "the NAME of a sink"),
		ValidArgsFunction: sinkNames,
		RunE: asOperator(func(o *operator, args []string) error {
			var done operate.SinkPause
			if err := o.client.Post(o.ctx(), fmt.Sprintf("/api/v1/sinks/%s/%s", url.PathEscape(args[0]), verb), nil, &done); err != nil {
				return err
			}
			if o.json {
				return printJSON(o.out(), done)
			}
			o.print("%s is %sd", done.Name, verb)
			return nil
		}),
	}
}
