package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/adminclient"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// tokenVariable is the environment variable with admin.token. A flag would show
// it to everybody who lists the processes.
const tokenVariable = "CDRELAY_ADMIN_TOKEN" //nolint:gosec // the name of a variable

// operator is a command that talks to a running server.
type operator struct {
	cmd    *cobra.Command
	client *adminclient.Client
	json   bool
	// numbers shows telephone numbers in tables.
	numbers bool
}

// operatorFlags are those of all commands that talk to a running server.
func operatorFlags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.String("admin", adminclient.DefaultURL, "the private listener of the server; its token is read from "+tokenVariable)
	f.StringP("output", "o", "table", "the form of the output: table or json")
	f.Bool("show-numbers", false, "show telephone numbers whole in tables")
}

// asOperator makes what a command's RunE does of a function of the operator.
func asOperator(run func(o *operator, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		o, err := newOperator(cmd)
		if err != nil {
			return err
		}
		defer o.client.Close()
		return run(o, args)
	}
}

func newOperator(cmd *cobra.Command) (*operator, error) {
	output, oerr := cmd.Flags().GetString("output")
	address, aerr := cmd.Flags().GetString("admin")
	numbers, nerr := cmd.Flags().GetBool("show-numbers")
	if err := errors.Join(oerr, aerr, nerr); err != nil {
		return nil, err
	}
	if output != "table" && output != "json" {
		return nil, &usageError{fmt.Errorf("--output is table or json, not %q", output)}
	}
	client, err := adminclient.New(address, os.Getenv(tokenVariable))
	if err != nil {
		return nil, &usageError{fmt.Errorf("--admin: %w", err)}
	}
	return &operator{cmd: cmd, client: client, json: output == "json", numbers: numbers}, nil
}

func (o *operator) ctx() context.Context { return o.cmd.Context() }
func (o *operator) out() io.Writer       { return o.cmd.OutOrStdout() }

// say writes to standard error, where it does not disturb a script.
func (o *operator) say(format string, args ...any) {
	_, _ = fmt.Fprintln(o.cmd.ErrOrStderr(), plaintext.Terminal(fmt.Sprintf(format, args...))) // nowhere else to say it
}

// group is a command that only holds others.
func group(use, short string, commands ...*cobra.Command) *cobra.Command {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name())
	}
	cmd := &cobra.Command{
		Use: use, Short: short,
		Args: exactly(0, "a command: "+strings.Join(names, ", ")),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	operatorFlags(cmd)
	cmd.AddCommand(commands...)
	return cmd
}

// moment reads a time as a person writes it: RFC 3339, a day, or how long ago.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	if ago, ok := duration(text); ok {
		return now.Add(-ago).UTC(), nil
	}
	return time.Time{}, &usageError{fmt.Errorf("--%s %q is no time: write RFC 3339, a day such as 2026-01-31 (in UTC), or how long ago, such as 90m, 2h or 3d", flag, text)}
}

// duration reads what time.ParseDuration does, and days.
func duration(text string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		return time.Duration(n * 24 * float64(time.Hour)), err == nil && n >= 0 && n < 36500
	}
	d, err := time.ParseDuration(text)
	return d, err == nil && d >= 0
}

// setQuery puts what is not empty into a query.
func setQuery(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

// notFound reports whether a request was refused because a thing is not there.
func notFound(err error) bool {
	p, ok := errors.AsType[*adminclient.Problem](err)
	return ok && p.Status == http.StatusNotFound
}
