package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/operate"
)

type eraseFlags struct {
	number      string
	dryRun, yes bool
}

func callsEraseCommand() *cobra.Command {
	var f eraseFlags
	cmd := &cobra.Command{
		Use:   "erase --number NUMBER",
		Short: "Erase every trace of a telephone number",
		Long: `erase takes every call in which the number stands out of the spool, with its
revisions, deliveries, attempts and dead letters, and callbacks that could not be
understood in which it stands. What is still owed to a sink of these calls is not
delivered any more. In what sinks answered about other calls the number is
replaced. It cannot be taken back.

It reads the whole spool. Logs, backups, files that were set aside, and what sinks
have received are not touched; the files are named.`,
		Example: `  cdrelay calls erase --number "+62 812-3456-7890" --dry-run`,
		Args:    exactly(0, "no arguments: the number goes into --number"),
		RunE:    asOperator(func(o *operator, _ []string) error { return f.run(o) }),
	}
	cmd.Flags().StringVar(&f.number, "number", "", "the whole number, best with + and the country code")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "count only, change nothing")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	return cmd
}

func (f eraseFlags) run(o *operator) error {
	if f.number == "" {
		return &usageError{errors.New("--number is missing: write the whole telephone number")}
	}
	if f.dryRun {
		found, err := f.ask(o, true)
		if err != nil {
			return err
		}
		return f.report(o, found)
	}
	if !f.yes && isTerminal(o.cmd.InOrStdin()) {
		found, err := f.ask(o, true)
		if err != nil {
			return err
		}
		o.say("%s", tellErased(found))
	}
	if err := o.confirm("Erase for ever?", f.yes, true); err != nil {
		return err
	}
	done, err := f.ask(o, false)
	if err != nil {
		return err
	}
	if err := f.report(o, done); err != nil {
		return err
	}
	if len(done.InFlight) > 0 || done.Residue {
		return errors.New("not everything is gone yet: run it again")
	}
	return nil
}

func (f eraseFlags) ask(o *operator, dry bool) (operate.Erasure, error) {
	var a operate.Erasure
	err := o.client.Post(o.ctx(), "/api/v1/calls/erase", map[string]any{"number": f.number, "dry_run": dry}, &a)
	return a, err
}

func (f eraseFlags) report(o *operator, a operate.Erasure) error {
	if o.json {
		return printJSON(o.out(), a)
	}
	o.print("%s", tellErased(a))
	for _, id := range a.InFlight {
		o.print("%s stays: an attempt to deliver it was on its way", id)
	}
	if a.Residue {
		o.print("unused space of the spool's file may still hold the number")
	}
	for _, file := range a.Files {
		o.print("%s was set aside and is not searched: look into it, and delete it when it is not needed", file)
	}
	return nil
}

// tellErased says in one line what an erase took, or would take.
func tellErased(a operate.Erasure) string {
	verb := "erased"
	if a.DryRun {
		verb = "would erase"
	}
	return fmt.Sprintf("%s %s, %s (%d of them still owed), %s, %s; %s redacted", verb,
		count(a.Calls, "call"), count(a.Deliveries, "delivery"), a.Waiting, count(a.DeadLetters, "dead letter"),
		count(a.SetAside, "damaged record"), count(a.Redacted, "answer"))
}
