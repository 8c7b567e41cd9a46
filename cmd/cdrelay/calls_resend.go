package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/operate"
)

const resendPath = "/api/v1/calls/resend"

// resendFlags are those of a resend of many calls.
type resendFlags struct {
	callFilter
	to          []string
	rate        float64
	dryRun, yes bool
}

func callsResendCommand() *cobra.Command {
	var f resendFlags
	cmd := &cobra.Command{
		Use:   "resend [ID SINK...]",
		Short: "Send calls to sinks once more: one by its ID, or all of a filter",
		Long: `resend sends the newest revision of calls to sinks once more, with the same message
ids, oldest first, behind live traffic; requests are rendered with today's
configuration. Either one call, by its ID, to the sinks named behind it, or the calls
of a filter: to the sink of --sink, which they went to before, or to those of --to.
A call that waits for a sink already is passed over.`,
		Example: `  cdrelay calls resend dialer:8812 crm
  cdrelay calls resend --since yesterday --until today --sink crm
  cdrelay calls resend --source dialer --since 2026-11-01 --to new-crm --rate 20`,
		ValidArgsFunction: func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return sinkNames(cmd, args, toComplete)
		},
		RunE: asOperator(func(o *operator, args []string) error {
			if len(args) == 0 {
				return f.run(o)
			}
			return f.one(o, args[0], args[1:])
		}),
	}
	f.flags(cmd)
	cmd.Flags().StringSliceVar(&f.to, "to", nil, "the sinks that get the calls; default: that of --sink")
	cmd.Flags().Float64Var(&f.rate, "rate", 0, "so many calls a second; 0 for no bound but the sink's own")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "count only, change nothing")
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "do not ask")
	// It fails for a flag that is not there, which a test would show.
	_ = cmd.RegisterFlagCompletionFunc("to", sinkNames)
	return cmd
}

// one sends one call.
func (f *resendFlags) one(o *operator, id string, sinks []string) error {
	filter, err := f.query(o)
	switch {
	case err != nil:
		return err
	case len(sinks) == 0 || len(filter) > 0 || len(f.to) > 0 || f.rate != 0 || f.dryRun:
		return &usageError{errors.New("an ID goes with at least one SINK behind it, and without flags: run cdrelay calls resend --help")}
	}
	var done operate.Resent
	if err := o.client.Post(o.ctx(), callPath(id)+"/resend", map[string]any{"sinks": sinks}, &done); err != nil {
		return err
	}
	if o.json {
		return printJSON(o.out(), done)
	}
	for _, s := range done.Resent {
		o.print("%s: it goes to %s once more", done.ID, s)
	}
	for _, s := range done.Waiting {
		o.print("%s: it waits for %s already", done.ID, s)
	}
	return nil
}

// run sends the calls of a filter.
func (f *resendFlags) run(o *operator) error {
	body, err := f.body(o)
	if err != nil {
		return err
	}
	found := operate.BulkResent{}
	body["dry_run"] = true
	if err := o.client.Post(o.ctx(), resendPath, body, &found); err != nil {
		return err
	}
	to := strings.Join(f.sinks(), ", ")
	switch {
	case f.dryRun && o.json:
		return printJSON(o.out(), found)
	case f.dryRun:
		o.print("would send %s to %s again", count(found.Matched, "call"), to)
		return nil
	case found.Matched == 0:
		o.say("no call matches%s", o.misnamed(*f.values["sink"], *f.values["source"]))
	default:
		if err := o.confirm(fmt.Sprintf("Send %s to %s again?", count(found.Matched, "call"), to), f.yes, false); err != nil {
			return err
		}
	}
	delete(body, "dry_run")
	done, err := f.send(o, body, found.Matched)
	if terr := f.tell(o, done); err == nil {
		err = terr
	}
	return err
}

// sinks are those that get the calls.
func (f *resendFlags) sinks() []string {
	if len(f.to) == 0 && *f.values["sink"] != "" {
		return []string{*f.values["sink"]}
	}
	return f.to
}

// body returns the request. Times are fixed once, so that "2h ago" means the same in
// every part of it.
func (f *resendFlags) body(o *operator) (map[string]any, error) {
	q, err := f.query(o)
	if err != nil {
		return nil, err
	}
	filter := map[string]string{}
	for name := range q {
		filter[name] = q.Get(name)
	}
	switch {
	case len(filter) == 0:
		return nil, &usageError{errors.New("say which calls: an ID with the sinks behind it, or filters such as --since and --sink")}
	case len(f.sinks()) == 0:
		return nil, &usageError{errors.New("say which sinks get the calls: --sink for one that they went to before, or --to")}
	case f.rate < 0:
		return nil, &usageError{fmt.Errorf("--rate is 0 or more, not %v", f.rate)}
	}
	body := map[string]any{"filter": filter, "sinks": f.sinks()}
	if f.rate > 0 {
		body["rate_per_second"] = f.rate
	}
	return body, nil
}

// send sends the requests and sums the answers up.
func (f *resendFlags) send(o *operator, body map[string]any, total int) (operate.BulkResent, error) {
	sum := operate.BulkResent{BySink: map[string]int{}}
	p := o.progress("resent", total)
	defer p.end()
	for body["limit"] = part; ; {
		var one operate.BulkResent
		if err := o.client.Post(o.ctx(), resendPath, body, &one); err != nil {
			return sum, err
		}
		sum.Add(one)
		p.at(sum.Matched)
		if sum.NextCursor == "" {
			return sum, nil
		}
		body["cursor"] = sum.NextCursor
		if sum.Event != "" {
			body["event"] = sum.Event
		}
		if !sum.NextDueAt.IsZero() {
			body["not_before"] = later(sum.NextDueAt.Time)
		}
	}
}

// tell says what was done, also where it broke off.
func (f *resendFlags) tell(o *operator, done operate.BulkResent) error {
	if o.json {
		return printJSON(o.out(), done)
	}
	o.print("%s sent to %s once more", count(done.Resent, "call"), strings.Join(f.sinks(), ", "))
	if rest := done.Matched - done.Resent; rest > 0 {
		o.print("%s passed over: they wait already, or are older revisions", count(rest, "entry"))
	}
	if !done.NextDueAt.IsZero() && done.Resent > 0 {
		o.print("the last one comes due before %s", o.when(done.NextDueAt))
	}
	return nil
}
