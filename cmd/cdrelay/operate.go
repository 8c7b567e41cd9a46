package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
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
	output string // table, json or csv
	screen screen
	zone   *time.Location // of the times that are printed and typed
	// numbers shows telephone numbers in tables.
	numbers bool
}

// operatorFlags are those of all commands that talk to a running server.
func operatorFlags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.String("admin", "", "the private listener of the server, such as "+adminclient.DefaultURL+"; default: "+adminVariable+", else admin.listen of the configuration. Its token is read from "+tokenVariable)
	f.StringP("output", "o", "table", "the form of the output: table, json, or csv of a list")
	f.Bool("utc", false, "print and read times in UTC; default: in the zone of the terminal")
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
	numbers, nerr := cmd.Flags().GetBool("show-numbers")
	utc, uerr := cmd.Flags().GetBool("utc")
	if err := errors.Join(oerr, nerr, uerr); err != nil {
		return nil, err
	}
	if err := checkOutput(cmd, output); err != nil {
		return nil, err
	}
	client, err := connect(cmd)
	if err != nil {
		return nil, err
	}
	return &operator{
		cmd: cmd, client: client, json: output == "json", output: output, screen: screenOf(cmd.OutOrStdout()), zone: zoneOf(utc), numbers: numbers,
	}, nil
}

// checkOutput refuses a form that the command does not have.
func checkOutput(cmd *cobra.Command, output string) error {
	list, forms := cmd.Name() == "list" || cmd.Name() == eventsName, "table or json"
	if list {
		forms = "table, json or csv"
	}
	if output == "table" || output == "json" || list && output == "csv" {
		return nil
	}
	return &usageError{fmt.Errorf("--output of %s is %s, not %q", cmd.CommandPath(), forms, output)}
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
