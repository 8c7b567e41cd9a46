package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/plainjson"
	"github.com/cdrelay/cdrelay/internal/spelling"
	"github.com/cdrelay/cdrelay/sinks/presets"
)

func presetsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "presets", Short: "List and show the sinks that ship with cdrelay",
		Args: exactly(0, "a command: list, show"),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(presetsListCommand(), presetsShowCommand())
	return cmd
}

func presetsListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the presets with what they do",
		Args:  exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			output := flagText(cmd, "output")
			if err := checkOutput(cmd, output); err != nil {
				return err
			}
			return listPresets(screenOf(cmd.OutOrStdout()), output)
		},
	}
	cmd.Flags().StringP("output", "o", "table", "the form of the output: table, json or csv")
	return cmd
}

// listedPreset is a preset in a list.
type listedPreset struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
	// Parameters are the names of all, Required those without a default.
	Parameters []string `json:"parameters"`
	Required   []string `json:"required"`
}

func listPresets(to screen, output string) error {
	all, err := presets.All()
	if err != nil {
		return err
	}
	listed := make([]listedPreset, len(all))
	t := &table{to: to, csv: output == "csv", columns: []column{{"NAME", 0, 0}, {"REQUIRED", 2, 10}, {"DESCRIPTION", 1, 20}}}
	for i, p := range all {
		listed[i] = listedPreset{Name: p.Name, Title: p.Title, Description: p.Description, Parameters: []string{}, Required: []string{}}
		for _, one := range p.Parameters {
			listed[i].Parameters = append(listed[i].Parameters, one.Name)
			if one.Required {
				listed[i].Required = append(listed[i].Required, one.Name)
			}
		}
		t.row(cells(p.Name, strings.Join(listed[i].Required, ", "), p.Description))
	}
	if output != "json" {
		return t.end()
	}
	text, err := plainjson.Indented(map[string]any{"items": listed})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(to.w, "%s\n", text)
	return err
}

func presetsShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Print a preset as a webhook section to copy and change",
		Long: `show prints a preset as a webhook section: put it under the name of a sink in the place
of preset and with. Its parameters stand in the section's own with, those that have no
default with an example.`,
		Args:      exactly(1, "the NAME of a preset"),
		ValidArgs: presets.Names(),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, found := presets.Find(args[0])
			if !found {
				remedy := "cdrelay presets list names them"
				if near, ok := spelling.Nearest(args[0], presets.Names()); ok {
					remedy = fmt.Sprintf("did you mean %q?", near)
				}
				return &usageError{fmt.Errorf("there is no preset %q: %s", args[0], remedy)}
			}
			text, err := p.Show()
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
}
