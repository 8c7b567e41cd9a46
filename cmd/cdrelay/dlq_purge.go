package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/operate"
)

func dlqPurgeCommand() *cobra.Command {
	var f selectionFlags
	cmd := &cobra.Command{
		Use:   "purge [ID...]",
		Short: "Delete dead letters for ever: by ID or by filter",
		Example: `  cdrelay dlq purge --sink old-crm
  cdrelay dlq purge --all --yes`,
		RunE: asOperator(func(o *operator, args []string) error { return purge(o, f, args) }),
	}
	f.flags(cmd)
	return cmd
}

func purge(o *operator, f selectionFlags, ids []string) error {
	s, err := f.read(o, ids)
	if err != nil {
		return err
	}
	const path = lettersPath + "/purge"
	found, err := o.count(path, s)
	if err != nil {
		return err
	}
	if f.dryRun {
		return o.tellCount("would purge", found)
	}
	if found.Matched > 0 {
		if err := o.confirm(fmt.Sprintf("Delete %s for ever?", tellMatched(found)), f.yes, true); err != nil {
			return err
		}
	}
	sum := struct {
		operate.Counted
		Purged int `json:"purged"`
	}{Counted: operate.Counted{BySink: map[string]int{}}}
	p := o.progress("purged", found.Matched)
	err = s.parts(func(body map[string]any) (operate.Selected, error) {
		var one operate.Purged
		err := o.client.Post(o.ctx(), path, body, &one)
		sum.Add(one.Counted)
		sum.Purged += one.Purged
		p.at(sum.Purged)
		return one.Selected, err
	})
	p.end()
	if o.json {
		if perr := printJSON(o.out(), sum); err == nil {
			err = perr
		}
		return err
	}
	o.print("purged %s", count(sum.Purged, "dead letter"))
	if sum.Missing > 0 {
		o.print("%s", noLonger(sum.Missing))
	}
	return err
}
