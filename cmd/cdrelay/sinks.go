package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/call"
)

// serverStatus is the part of the status that commands read.
type serverStatus struct {
	Sinks   []shownSink `json:"sinks"`
	Sources []struct {
		Name string `json:"name"`
	} `json:"sources"`
}

type shownSink struct {
	Name            string    `json:"name"`
	Kind            string    `json:"kind"`
	Configured      bool      `json:"configured"`
	Breaker         string    `json:"breaker"`
	RetryAt         call.Time `json:"retry_at"`
	Pending         int64     `json:"pending"`
	InFlight        int       `json:"in_flight"`
	OldestPendingAt call.Time `json:"oldest_pending_at"`
	DeadLetters     int64     `json:"dead_letters"`
	Paused          *struct {
		By    string    `json:"by"`
		Until call.Time `json:"until"`
	} `json:"paused"`
}

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
		RunE: operate(func(o *operator, _ []string) error {
			var status struct {
				Sinks []json.RawMessage `json:"sinks"`
			}
			if err := o.client.Get(o.ctx(), "/api/v1/status", nil, &status); err != nil {
				return err
			}
			if o.json {
				for _, s := range status.Sinks {
					o.print("%s", s)
				}
				return nil
			}
			t := newTable(o.out(), "NAME", "KIND", "STATE", "WAITING", "OLDEST (UTC)", "IN FLIGHT", "DEAD LETTERS")
			for _, text := range status.Sinks {
				var s shownSink
				if err := json.Unmarshal(text, &s); err != nil {
					return err
				}
				t.row(s.Name, s.Kind, s.state(), strconv.FormatInt(s.Pending, 10), when(s.OldestPendingAt), strconv.Itoa(s.InFlight), strconv.FormatInt(s.DeadLetters, 10))
			}
			return t.end()
		}),
	}
}

// state says in a few words whether the sink gets calls, and why not.
func (s shownSink) state() string {
	switch {
	case !s.Configured:
		return "not configured any more"
	case s.Paused != nil && s.Paused.Until.IsZero():
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
		RunE: operate(func(o *operator, args []string) error {
			var done struct {
				Name   string `json:"name"`
				Paused bool   `json:"paused"`
			}
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
