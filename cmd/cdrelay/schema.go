package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/config"
)

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "schema call|config",
		Short:     "Print the JSON Schema of the call record or of the configuration",
		ValidArgs: []string{"call", "config"},
		Args:      exactly(1, "one argument, call or config"),
		RunE: func(cmd *cobra.Command, args []string) error {
			schema, err := call.Schema(), error(nil)
			switch args[0] {
			case "call":
			case "config":
				schema, err = config.Schema()
			default:
				err = &usageError{fmt.Errorf("there is no schema %q: write call or config", args[0])}
			}
			if err == nil {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", schema)
			}
			return err
		},
	}
}
