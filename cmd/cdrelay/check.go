package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// checkFlags are those of check.
type checkFlags struct{ withoutSecrets bool }

func checkCommand() *cobra.Command {
	var f checkFlags
	cmd := &cobra.Command{
		Use:   "check [FILE]",
		Short: "Check the configuration and print every error with its line",
		Example: `  cdrelay check -c config.yaml
  cdrelay check --without-secrets deploy/config.yaml`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && cmd.Flags().Changed("config") {
				return &usageError{fmt.Errorf("%s takes one FILE, or --config: run %s --help", cmd.CommandPath(), cmd.CommandPath())}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path := configPath(cmd)
			if len(args) == 1 {
				path = args[0]
			}
			return f.run(cmd.OutOrStdout(), path)
		},
	}
	cmd.Flags().BoolVar(&f.withoutSecrets, "without-secrets", false, "look up no {env: NAME} and no {file: PATH}, for a machine that has no secrets, such as CI")
	return cmd
}

func (f checkFlags) run(w io.Writer, path string) error {
	load := config.Load
	if f.withoutSecrets {
		load = config.LoadWithoutSecrets
	}
	loaded, err := load(path)
	if err != nil {
		return err
	}
	if err := loaded.Examine(path); err != nil {
		return err
	}
	return f.print(w, path, loaded)
}

func (f checkFlags) print(w io.Writer, path string, l *config.Loaded) error {
	for _, one := range l.Warnings {
		if _, err := fmt.Fprintf(w, "warning: %s\n", plaintext.Line(one.In(path))); err != nil {
			return err
		}
	}
	aside := ""
	if f.withoutSecrets {
		aside = ", its secrets aside"
	}
	_, err := fmt.Fprintf(w, "%s is fine%s: %s, %s, %s\n", path, aside,
		count(len(l.Sources), "source"), count(len(l.Sinks), "sink"), count(len(l.Rules), "rule"))
	return err
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		noun = stem + "ie"
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
