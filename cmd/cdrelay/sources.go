package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

const sourcesPath = "/api/v1/sources"

func sourcesCommand() *cobra.Command {
	return group("sources", "List and show the sources of a running server", sourcesListCommand(), sourcesShowCommand())
}

func sourcesListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the sources with the paths that callbacks come to, the last one, and how many were taken",
		Args:  exactly(0, "no arguments"),
		RunE: asOperator(func(o *operator, _ []string) error {
			columns := []column{{"NAME", 0, 0}, {"FORMAT", 2, 0}, {"PATH", 3, 16}, {"LAST CALLBACK", 0, 0}, {"RESULT", 0, 0}, {"CALLBACKS 1H", 1, 0}, {"TAKEN 1H", 0, 0}}
			return list(o, sourcesPath, nil, 0, itemsOf(columns, "no source is configured", func(s operate.Source) []cell {
				row := cells(s.Name, s.Format, s.Path, "", "", "", "")
				if s.LastCallback != nil {
					row[3].text, row[4] = o.when(s.LastCallback.At), state(s.LastCallback.Result)
				}
				if s.Recent != nil {
					row[5].text, row[6].text = strconv.Itoa(s.Recent.Hour.Total), percent(s.Recent.Hour.SuccessRate)
				}
				return row
			}))
		}),
	}
}

func sourcesShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show NAME",
		Short: "Show one source: the last callback, results, what was refused and why, a test callback",
		Long: `show says what came to a source: when the last callback came that passed the doors,
what became of callbacks in the last five minutes, hour and day, the latest that were
refused, with the sender's address and the reason, and the latest that could not be
understood. At the end is a callback to try the source with, as a command for a
shell; credentials are variables in it, which the shell must have. It becomes a call,
which goes through the rules as any other.`,
		Args:              exactly(1, "the NAME of a source"),
		ValidArgsFunction: sourceNames,
		RunE: asOperator(func(o *operator, args []string) error {
			return show(o, sourcesPath+"/"+url.PathEscape(args[0]), o.printSource)
		}),
	}
}

func (o *operator) printSource(s operate.Source) error {
	f := facts{to: o.screen}
	f.add("source", s.Name)
	f.add("format", s.Format)
	f.add("path", s.Path)
	if s.LastCallback == nil {
		f.add("last callback", "none since the start")
	} else {
		f.addCell("last callback", cell{fmt.Sprintf("%s, %s", o.when(s.LastCallback.At), strings.ReplaceAll(s.LastCallback.Result, "_", " ")), operate.Tone(s.LastCallback.Result)})
	}
	if err := f.print(); err != nil {
		return err
	}
	if err := o.printRecent(s.Recent); err != nil {
		return err
	}
	if err := o.printRefused(s.Refused); err != nil {
		return err
	}
	if err := o.printUndecodable(s.Undecodable); err != nil {
		return err
	}
	return o.printTrial(s.Test)
}

func (o *operator) printRefused(refused []operate.Refused) error {
	if len(refused) == 0 {
		return nil
	}
	_, _ = fmt.Fprintln(o.out(), "\nLately refused:") // the table says whether it can be written
	t := o.table(column{"AT", 0, 0}, column{"STATUS", 0, 0}, column{"FROM", 0, 0}, column{"REASON", 1, 20})
	for _, r := range refused {
		t.row(cells(o.when(r.At), strconv.Itoa(r.Status), r.Client, r.Reason))
	}
	return t.end()
}

func (o *operator) printUndecodable(letters []operate.DeadLetter) error {
	if len(letters) == 0 {
		return nil
	}
	_, _ = fmt.Fprintln(o.out(), "\nLately not understood:") // the table says whether it can be written
	t := o.table(column{"AT", 0, 0}, column{"DEAD LETTER", 0, 0}, column{"DETAIL", 1, 20})
	for _, l := range letters {
		t.row(cells(o.when(l.CreatedAt), l.ID, o.masked(call.Masker{}, l.Detail)))
	}
	return t.end()
}

func (o *operator) printTrial(t *operate.Trial) error {
	if t == nil {
		return nil
	}
	about := "\nA test callback:"
	if len(t.Variables) > 0 {
		about = "\nA test callback; set " + strings.Join(t.Variables, " and ") + " first:"
	}
	_, err := fmt.Fprintf(o.out(), "%s\n\n%s\n", about, plaintext.Terminal(t.Command))
	return err
}

// itemsOf returns the rows of a listing of a type.
func itemsOf[T any](columns []column, none string, row func(T) []cell) rows {
	return rows{columns: columns, none: none, cells: func(item json.RawMessage) ([]cell, error) {
		var v T
		if err := json.Unmarshal(item, &v); err != nil {
			return nil, err
		}
		return row(v), nil
	}}
}
