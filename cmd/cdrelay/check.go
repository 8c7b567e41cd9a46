package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/config"
)

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Check the configuration and print every error with its line",
		Args:  exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := cmd.Flags().GetString("config")
			if err != nil {
				return err
			}
			loaded, err := config.Load(path)
			if err != nil {
				return err
			}
			if err := loaded.Examine(path); err != nil {
				return err
			}
			return printChecked(cmd.OutOrStdout(), path, loaded)
		},
	}
}

func printChecked(w io.Writer, path string, l *config.Loaded) error {
	for _, one := range l.Warnings {
		if _, err := fmt.Fprintf(w, "warning: %s\n", one.In(path)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%s is fine: %s, %s, %s\n", path,
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
