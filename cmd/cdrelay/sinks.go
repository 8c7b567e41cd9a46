package main

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
)

func sinksCommand() *cobra.Command {
	return group("sinks", "List, show, test, pause and resume the sinks of a running server",
		sinksListCommand(), sinksShowCommand(), sinksTestCommand(), sinksPauseCommand("pause", "Pause a sink until it is resumed; calls for it wait"),
		sinksPauseCommand("resume", "End the pause of a sink, whoever made it"))
}

const sinksPath = "/api/v1/sinks"

func sinksListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the sinks: how each is, what waits, how much is delivered and how fast",
		Args:  exactly(0, "no arguments"),
		RunE: asOperator(func(o *operator, _ []string) error {
			columns := append(sinkColumns(), column{"SUCCESS 1H", 7, 0}, column{"P95 1H", 6, 0}, column{"LAST FAILURE", 8, 20})
			return list(o, sinksPath, nil, 0, itemsOf(columns, "no sink is configured", func(s operate.Sink) []cell {
				return append(o.sinkRow(s), cells(successOf(s.Recent), p95Of(s.Recent), o.failureOf(s))...)
			}))
		}),
	}
}

// successOf and p95Of are of the last hour.
func successOf(r *operate.Recent) string {
	if r == nil {
		return ""
	}
	return percent(r.Hour.SuccessRate)
}

func p95Of(r *operate.Recent) string {
	if r == nil || r.Hour.Latency == nil {
		return ""
	}
	return operate.Millis(r.Hour.Latency.P95)
}

// failureOf is the last failure, where it says why the sink is as it is.
func (o *operator) failureOf(s operate.Sink) string {
	if s.LastFailure == nil || !s.Troubled() {
		return ""
	}
	return s.LastFailure.Words(time.Now())
}

func sinkColumns() []column {
	return []column{
		{"NAME", 0, 0}, {"KIND", 1, 0}, {"STATE", 5, 12}, {"WAITING", 0, 0}, {"OLDEST", 3, 0}, {"IN FLIGHT", 2, 0}, {"DEAD LETTERS", 4, 0},
	}
}

func (o *operator) sinkRow(s operate.Sink) []cell {
	row := cells(s.Name, s.Kind, "", strconv.FormatInt(s.Pending, 10), o.when(s.OldestPendingAt), strconv.Itoa(s.InFlight), strconv.FormatInt(s.DeadLetters, 10))
	row[2] = o.stateOf(s)
	return row
}

// stateOf says in a few words whether the sink gets calls, and why not.
func (o *operator) stateOf(s operate.Sink) cell {
	switch {
	case !s.Configured:
		return cell{"not configured any more", "bad"}
	case s.Paused.ByOperator():
		return cell{o.pauseText(*s.Paused), "wait"}
	case s.Paused != nil:
		return cell{"paused by the sink until " + o.when(s.Paused.Until), "wait"}
	case s.Breaker == "open":
		return cell{"breaker open, next try " + o.when(s.RetryAt), "bad"}
	case s.Breaker == "half_open":
		return cell{"breaker half open", "wait"}
	case !s.Troubled():
		return cell{"ready", "good"}
	default:
		return cell{strings.ToLower(operate.Words(s.State)), operate.Tone(s.State)}
	}
}

// pauseText says of an operator's pause until when and why.
func (o *operator) pauseText(p operate.Paused) string {
	text := "paused by an operator"
	if !p.Until.IsZero() {
		text += " until " + o.when(p.Until)
	}
	if p.Reason != "" {
		text += ": " + p.Reason
	}
	return text
}

func sinksTestCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "test NAME",
		Short: "Send one sample call to a sink, and show its answer",
		Long: `test sends one sample call to a sink, as it is configured in the running server, and
shows what came back. The call says of itself that it is a test: its source and agent
are called so, its number belongs to nobody, and the request has the header
Cdrelay-Test. It goes past a pause and an open breaker, is tried once, and is kept
nowhere here; what the sink makes of it is the sink's. The exit code is 1 when it was
not delivered.`,
		Args:              exactly(1, "the NAME of a sink"),
		ValidArgsFunction: sinkNames,
		RunE: asOperator(func(o *operator, args []string) error {
			var done operate.SinkTest
			if err := o.client.Post(o.ctx(), "/api/v1/sinks/"+url.PathEscape(args[0])+"/test", nil, &done); err != nil {
				return err
			}
			if err := o.printTest(done); err != nil {
				return err
			}
			if !done.Delivered {
				return fmt.Errorf("%s did not take the test call: %s", done.Sink, strings.TrimSuffix(done.Result+": "+o.masked(call.Masker{}, done.Detail), ": "))
			}
			return nil
		}),
	}
}

func (o *operator) printTest(done operate.SinkTest) error {
	if o.json {
		return printJSON(o.out(), done)
	}
	f := facts{to: o.screen}
	f.add("sink", done.Sink)
	f.add("test call", done.CallID)
	f.add("message", done.MessageID)
	f.addCell("result", state(done.Result))
	if err := f.print(); err != nil {
		return err
	}
	return o.printAttempts(call.Masker{}, done.Attempts)
}

func sinksPauseCommand(verb, short string) *cobra.Command {
	body := map[string]string{}
	cmd := &cobra.Command{
		Use:               verb + " NAME",
		Short:             short,
		Args:              exactly(1, "the NAME of a sink"),
		ValidArgsFunction: sinkNames,
		RunE: asOperator(func(o *operator, args []string) error {
			var done operate.SinkPause
			if err := o.client.Post(o.ctx(), fmt.Sprintf("/api/v1/sinks/%s/%s", url.PathEscape(args[0]), verb), body, &done); err != nil {
				return err
			}
			if o.json {
				return printJSON(o.out(), done)
			}
			until := ""
			if !done.Until.IsZero() {
				until = " until " + o.when(done.Until)
			}
			o.print("%s is %sd%s", done.Name, verb, until)
			return nil
		}),
	}
	if verb == "pause" {
		for name, use := range map[string]string{
			"for":    "how long, such as 30m, 2h or 1d; default: until it is resumed",
			"reason": "why, for those who wonder: it is shown with the pause and in cdrelay events",
		} {
			cmd.Flags().Func(name, use, func(text string) error {
				body[name] = text
				return nil
			})
		}
	}
	return cmd
}
