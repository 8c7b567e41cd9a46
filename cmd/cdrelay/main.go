// Command cdrelay receives call-record callbacks from telephony platforms, turns
// them into one canonical call record, and delivers it by rules to CRM webhooks,
// Slack and other HTTP sinks.
//
// This package owns the commands, their flags, the signals and the exit codes:
// 0 fine, 1 the thing asked for failed, 2 wrong use. Everything else is in the
// packages that it calls.
package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
	_ "time/tzdata"

	"github.com/spf13/cobra"
	_ "golang.org/x/crypto/x509roots/fallback"

	"github.com/cdrelay/cdrelay/internal/adminclient"
	"github.com/cdrelay/cdrelay/internal/interrupt"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

func main() {
	os.Exit(run(os.Args[1:], streams{in: os.Stdin, out: os.Stdout, err: os.Stderr}))
}

// streams are where a command reads and writes.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run carries out one command line and returns the exit code.
func run(args []string, s streams) int {
	ctx, cancel := interrupt.Context(func() { os.Exit(1) })
	defer cancel()
	s.in = standardInput(ctx, s.in)
	root := newRoot(s)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	said := make(chan struct{})
	go func() {
		defer close(said)
		_, _ = fmt.Fprintf(s.err, "cdrelay: %s\n", plaintext.Terminal(err.Error())) // nowhere else to say it
	}()
	select {
	case <-said:
	case <-time.After(time.Second): // nobody reads it
	}
	if isWrongUse(err) {
		return 2
	}
	return 1
}

// isWrongUse reports whether a command line cannot be carried out as written, by our
// own word or by that of the server, from one that was carried out and failed.
func isWrongUse(err error) bool {
	if _, ours := errors.AsType[*usageError](err); ours {
		return true
	}
	p, ok := errors.AsType[*adminclient.Problem](err)
	return ok && p.Status == http.StatusBadRequest
}

// usageError is a command line that cannot be carried out as written.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// newRoot returns the whole command tree.
func newRoot(s streams) *cobra.Command {
	root := &cobra.Command{
		Use:   "cdrelay",
		Short: "From the telephony platform's callback to the CRM, without losing a call",
		Long: `cdrelay receives call-record callbacks from telephony platforms, turns them into
one canonical call record, decides by rules who gets it, and delivers it to CRM
webhooks, Slack and other HTTP sinks. It never loses a call that it has answered
for.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return &usageError{fmt.Errorf("unknown command %q: run cdrelay --help for the list", args[0])}
			}
			return nil
		},
		PersistentPreRun: func(cmd *cobra.Command, _ []string) {
			if cmd.Name() != serveName {
				interrupt.HangupStops()
			}
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.err)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &usageError{fmt.Errorf("%w: run %s --help for the flags", err, cmd.CommandPath())}
	})
	root.PersistentFlags().StringP("config", "c", "config.yaml", "the configuration file")
	root.AddCommand(serveCommand(), checkCommand(), convertCommand(), explainCommand(), testCommand(), spoolCommand(),
		callsCommand(), dlqCommand(), sinksCommand(), sourcesCommand(), presetsCommand(), eventsCommand(), statusCommand(), reloadCommand(), demoCommand(), schemaCommand(), versionCommand())
	addCompletion(root)
	return root
}

// addCompletion adds cobra's own command, and lets it refuse what it would
// otherwise answer with its help and exit code 0.
func addCompletion(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() != "completion" {
			continue
		}
		var shells []string
		for _, shell := range cmd.Commands() {
			shells = append(shells, shell.Name())
			shell.Args = exactly(0, "no arguments")
		}
		cmd.Args = exactly(0, "a shell: "+strings.Join(shells, ", "))
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	}
}

// exactly takes n arguments and names them where they are missing.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return &usageError{fmt.Errorf("%s takes %s: run %s --help", cmd.CommandPath(), what, cmd.CommandPath())}
		}
		return nil
	}
}
