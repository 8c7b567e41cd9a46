package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/app"
	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/explain"
)

// explainFlags are what the command line says of the callback.
type explainFlags struct {
	source, output string
	revision       int
	results        []string
	remembered     []string
	utc            bool
}

func explainCommand() *cobra.Command {
	var f explainFlags
	cmd := &cobra.Command{
		Use:   "explain --source SOURCE FILE",
		Short: "Show which rules match a callback, why, and the requests that sinks would get",
		Long: `explain shows what would become of a callback: the call record, each rule with
the values that decided, and the very request that each sink would get, secrets
masked. It needs the configuration, but no running server. Nothing is sent or
stored, and no token is fetched. The result of a step is the one that --result says,
else the placeholder steps.NAME. Telephone numbers are shown. FILE may be - for
standard input. The exit code is 1 when the callback cannot be understood.`,
		Example: `  cdrelay explain --source dialer callback.json
  cdrelay explain --source nxlink -o json - < callback.json
  cdrelay explain --result contact='"301"' --remembered create=77 callback.json`,
		Args: exactly(1, "one FILE, or - for standard input"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	cmd.Flags().StringVarP(&f.source, "source", "s", "", "the source that the callback comes to (default: the only one)")
	cmd.Flags().IntVar(&f.revision, "revision", 1, "the revision that the call would have")
	cmd.Flags().StringArrayVar(&f.results, "result", nil, "the result of a step, as step=value or sink.step=value; JSON, or a text that is none")
	cmd.Flags().StringArrayVar(&f.remembered, "remembered", nil, "what a step has remembered, as step=text or sink.step=text")
	cmd.Flags().StringVarP(&f.output, "output", "o", "table", "the form of the output: table or json")
	cmd.Flags().BoolVar(&f.utc, "utc", false, "print times in UTC; default: in the zone of the terminal")
	return cmd
}

func (f explainFlags) run(cmd *cobra.Command, file string) error {
	if f.output != "table" && f.output != "json" {
		return &usageError{fmt.Errorf("--output is table or json, not %q", f.output)}
	}
	if f.revision < 1 {
		return &usageError{fmt.Errorf("--revision is 1 or more, not %d", f.revision)}
	}
	x, err := f.explain(cmd, file)
	if err != nil {
		return err
	}
	if f.output == "json" {
		err = printJSON(cmd.OutOrStdout(), x)
	} else {
		err = printExplanation(screenOf(cmd.OutOrStdout()), x, zoneOf(f.utc))
	}
	if err == nil && x.Result == explain.Undecodable {
		err = fmt.Errorf("%s: %s", file, x.Reason)
	}
	return err
}

func (f explainFlags) explain(cmd *cobra.Command, file string) (*explain.Explanation, error) {
	e, err := loadExplainer(configPath(cmd))
	if err != nil {
		return nil, err
	}
	if f.source == "" {
		if f.source, err = onlySource(e.Sources()); err != nil {
			return nil, err
		}
	}
	given, err := f.given()
	if err == nil {
		err = e.CheckGiven(given)
	}
	if err != nil {
		return nil, &usageError{err}
	}
	body, err := readBody(file, cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	return explainBody(cmd.Context(), e, explain.Callback{
		Source: f.source, Body: body, ReceivedAt: time.Now(), Revision: f.revision, Given: given,
	})
}

// given reads the results of steps.
func (f explainFlags) given() (g explain.Given, err error) {
	read := func(flag string, list []string) map[string]string {
		all := map[string]string{}
		for _, one := range list {
			name, value, ok := strings.Cut(one, "=")
			if !ok {
				err = fmt.Errorf("--%s is step=value, not %q", flag, one)
			}
			all[name] = value
		}
		return all
	}
	g.Results, g.Remembered = read("result", f.results), read("remembered", f.remembered)
	return g, err
}

// explainBody puts a wrong source down to the command line.
func explainBody(ctx context.Context, e *explain.Explainer, c explain.Callback) (*explain.Explanation, error) {
	x, err := e.Explain(ctx, c)
	if err != nil {
		return nil, &usageError{fmt.Errorf("--source: %w", err)}
	}
	return x, nil
}

func onlySource(names []string) (string, error) {
	if len(names) == 1 {
		return names[0], nil
	}
	return "", &usageError{fmt.Errorf("--source is missing: there are %s", strings.Join(names, ", "))}
}

// loadExplainer loads a configuration as serve would, and starts nothing.
func loadExplainer(path string) (*explain.Explainer, error) {
	loaded, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	return app.NewExplainer(loaded, versionText())
}
