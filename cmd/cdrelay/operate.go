package main

import (
	"bufio"
	"cmp"
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

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/adminclient"
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

// operate makes what a command's RunE does of a function of the operator.
func operate(run func(o *operator, args []string) error) func(*cobra.Command, []string) error {
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
	_, _ = fmt.Fprintf(o.cmd.ErrOrStderr(), format+"\n", args...) // nowhere else to say it
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

// isTerminal tells whether a stream is a person's.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// confirm asks a person before something that cannot be taken back. Where there
// is nobody to ask, demanded says whether --yes must stand there.
func (o *operator) confirm(question string, yes, demanded bool) error {
	switch {
	case yes:
		return nil
	case !isTerminal(o.cmd.InOrStdin()):
		if demanded {
			return &usageError{errors.New("there is no terminal to ask for confirmation: add --yes if it is meant")}
		}
		return nil
	}
	_, _ = fmt.Fprintf(o.cmd.ErrOrStderr(), "%s [y/N] ", question) // on the terminal that is read from
	answer, err := bufio.NewReader(o.cmd.InOrStdin()).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
		return errors.New("nothing was done")
	}
	return nil
}

// progress counts on a terminal how far a long work has come.
type progress struct {
	to    io.Writer // nil where nobody watches
	verb  string
	total int
	last  time.Time
}

func (o *operator) progress(verb string, total int) *progress {
	p := &progress{verb: verb, total: total}
	if isTerminal(o.cmd.ErrOrStderr()) {
		p.to = o.cmd.ErrOrStderr()
	}
	return p
}

// at shows how many are done, ten times a second at most.
func (p *progress) at(done int) {
	if p.to == nil || time.Since(p.last) < 100*time.Millisecond {
		return
	}
	p.last = time.Now()
	const width = 30
	part := width
	if p.total > 0 {
		part = min(width, done*width/p.total)
	}
	_, _ = fmt.Fprintf(p.to, "\r%s %d of %d [%s%s]", p.verb, done, p.total, strings.Repeat("#", part), strings.Repeat(".", width-part)) // only a picture
}

// end clears the line.
func (p *progress) end() {
	if p.to != nil && !p.last.IsZero() {
		_, _ = fmt.Fprint(p.to, "\r\x1b[K") // only a picture
	}
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

// sinkNames completes the names of sinks from a running server.
func sinkNames(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(cmp.Or(cmd.Context(), context.Background()), time.Second)
	defer cancel()
	o, err := newOperator(cmd)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer o.client.Close()
	var status serverStatus
	if o.client.Get(ctx, "/api/v1/status", nil, &status) != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp // the shell completes nothing
	}
	var names []string
	for _, s := range status.Sinks {
		names = append(names, s.Name)
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeSinks lets --sink be completed.
func completeSinks(cmd *cobra.Command) {
	// It fails for a flag that is not there, which a test would show.
	_ = cmd.RegisterFlagCompletionFunc("sink", sinkNames)
}

// setQuery puts what is not empty into a query.
func setQuery(q url.Values, name, value string) {
	if value != "" {
		q.Set(name, value)
	}
}

// notFound tells a refusal because a thing is not there.
func notFound(err error) bool {
	p, ok := errors.AsType[*adminclient.Problem](err)
	return ok && p.Status == http.StatusNotFound
}
