package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/plaintext"
	"github.com/cdrelay/cdrelay/internal/ruletest"
)

func testCommand() *cobra.Command {
	var junit string
	var verbose bool
	cmd := &cobra.Command{
		Use:   "test FILE...",
		Short: "Run tests of the rules: callbacks in, expected records, sinks and requests out",
		Long: `test runs files of cases, each a callback and what is expected of its record, its
sinks and their requests, and prints what differs. Nothing is sent or stored.
docs/rule-tests.md describes the files. A file that names no configuration tests
that of --config. The exit code is 1 when a case fails.`,
		Example: `  cdrelay test docs/examples/rules.test.yaml
  cdrelay test -v --junit report.xml tests/*.yaml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return &usageError{fmt.Errorf("%s takes one FILE or more: run %s --help", cmd.CommandPath(), cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var results []ruletest.Result
			for _, file := range args {
				results = append(results, ruletest.Run(cmd.Context(), file, ruletest.Options{Config: configPath(cmd), Load: loadExplainer}))
			}
			return reportTests(cmd, results, junit, verbose)
		},
	}
	cmd.Flags().StringVar(&junit, "junit", "", "write the results as JUnit XML to this file")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "print every case, not only those that fail")
	return cmd
}

func reportTests(cmd *cobra.Command, results []ruletest.Result, junit string, verbose bool) error {
	var text strings.Builder
	err := ruletest.Print(&text, results, verbose)
	if err == nil {
		_, err = io.WriteString(cmd.OutOrStdout(), plaintext.Terminal(text.String()))
	}
	if junit != "" {
		err = errors.Join(err, writeJUnit(junit, results))
	}
	if err != nil {
		return err
	}
	failed := 0
	for _, r := range results {
		if r.Failed() {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %s failed", failed, count(len(results), "test file"))
	}
	return nil
}

func writeJUnit(path string, results []ruletest.Result) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(ruletest.JUnit(f, results), f.Close())
}
