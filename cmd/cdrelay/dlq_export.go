package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/plaintext"
)

func dlqExportCommand() *cobra.Command {
	var f letterFilter
	var to string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write dead letters with their records or bodies as JSON Lines",
		Long: `export writes one JSON object a line: a dead letter as dlq show -o json does, with
its call record and attempts, or the callback as it was received. Telephone numbers
are in it. dlq replay --from FILE replays the dead letters of such a file.`,
		Example: `  cdrelay dlq export --sink crm --since 1d --to letters.jsonl`,
		Args:    exactly(0, "no arguments"),
		RunE: asOperator(func(o *operator, _ []string) error {
			q, err := f.query(o)
			if err != nil {
				return err
			}
			if to == "" || to == "-" {
				return export(o, q, o.out())
			}
			file, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
			if err != nil {
				return err
			}
			return errors.Join(export(o, q, file), file.Close())
		}),
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&to, "to", "", "the file to write; default: standard output")
	return cmd
}

// export writes all that a filter selects. One that goes meanwhile is left out.
func export(o *operator, q url.Values, to io.Writer) error {
	n := 0
	err := o.client.List(o.ctx(), lettersPath, q, 0, func(item json.RawMessage) error {
		var letter struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(item, &letter); err != nil {
			return err
		}
		var whole json.RawMessage
		err := o.client.Get(o.ctx(), lettersPath+"/"+url.PathEscape(letter.ID), nil, &whole)
		if notFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		n++
		_, err = fmt.Fprintf(to, "%s\n", plaintext.JSON(whole))
		return err
	})
	if err == nil {
		o.say("exported %s", count(n, "dead letter"))
	}
	return err
}
