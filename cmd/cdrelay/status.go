package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/operate"
)

const statusPath = "/api/v1/status"

func statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how a running server is: ready or not, its configuration, what waits",
		Args:  exactly(0, "no arguments"),
		RunE: asOperator(func(o *operator, _ []string) error {
			return show(o, statusPath, o.printStatus)
		}),
	}
	operatorFlags(cmd)
	return cmd
}

func (o *operator) printStatus(s operate.Status) error {
	f := facts{to: o.screen}
	f.add("version", s.Version)
	f.add("running since", o.when(s.StartedAt))
	if s.Ready {
		f.addCell("state", cell{"ready: callbacks are taken", "good"})
	} else {
		f.addCell("state", cell{"not ready: " + s.NotReady, "bad"})
	}
	f.add("configuration", s.ConfigHash)
	if s.Refused != nil {
		f.addCell("refused", cell{o.when(s.Refused.At) + ": " + s.Refused.Error, "bad"})
	}
	f.add("sources", fmt.Sprint(len(s.Sources)))
	f.add("calls kept", fmt.Sprint(s.Spool.Calls))
	f.add("dead letters", fmt.Sprintf("%d of deliveries, %d of callbacks", s.DeadLetters.Delivery, s.DeadLetters.Intake))
	if s.Spool.SetAside > 0 {
		f.addCell("set aside", cell{count(int(s.Spool.SetAside), "damaged record"), "bad"})
	}
	if err := f.print(); err != nil {
		return err
	}
	if len(s.Sinks) == 0 {
		return nil
	}
	if _, err := fmt.Fprintln(o.out()); err != nil {
		return err
	}
	t := o.table(sinkColumns()...)
	for _, sink := range s.Sinks {
		t.row(o.sinkRow(sink))
	}
	return t.end()
}

func reloadCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Let a running server read its configuration again",
		Long: `reload lets a running server read its configuration again, and waits until it is in
use. One with an error changes nothing, and is printed; the exit code is then 1.`,
		Args: exactly(0, "no arguments"),
		RunE: asOperator(func(o *operator, _ []string) error {
			var done json.RawMessage
			if err := o.client.Post(o.ctx(), "/-/reload", nil, &done); err != nil {
				return err
			}
			if o.json {
				return printJSON(o.out(), done)
			}
			o.print("the configuration was read again and is in use")
			return nil
		}),
	}
	operatorFlags(cmd)
	return cmd
}
