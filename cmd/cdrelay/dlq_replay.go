package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

type replayFlags struct {
	selectionFlags
	from, body string
	rate       float64
}

// replayedInAll is the sum of what the requests of one replay did.
type replayedInAll struct {
	operate.Counted
	operate.ReplayCounts
}

func dlqReplayCommand() *cobra.Command {
	var f replayFlags
	cmd := &cobra.Command{
		Use:   "replay [ID...]",
		Short: "Replay dead letters: by ID, by filter, or those of an export",
		Long: `replay puts deliveries back into their lanes, oldest first, behind live traffic and
with the same message ids; requests are rendered with today's configuration.
Callbacks that could not be understood are read again with today's version and
configuration; those that still cannot be stay, with the new reason.

--body takes a file with the body of one callback as it should have been, or - for
standard input: it is taken as if it had been received then, and the dead letter goes.

--from takes a file that dlq export wrote, or any JSON Lines with ids, and - for
standard input. A dead letter that is no longer there is counted and passed over.
The exit code is 1 when some stay.`,
		Example: `  cdrelay dlq replay --sink crm --reason expired --rate 20
  cdrelay dlq replay --stage intake --dry-run
  cdrelay dlq replay --from letters.jsonl
  cdrelay dlq replay 01KB9X3T5V7W8Y6Z4A2B1C0D9E --body corrected.json`,
		RunE: asOperator(func(o *operator, args []string) error { return f.run(o, args) }),
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&f.from, "from", "", "the file of an export, or - for standard input")
	cmd.Flags().StringVar(&f.body, "body", "", "the file of a corrected body of one callback that could not be understood, or - for standard input")
	cmd.Flags().Float64Var(&f.rate, "rate", 0, "at most so many each second; 0 for no bound but the sink's own")
	return cmd
}

func (f replayFlags) run(o *operator, ids []string) error {
	if f.rate < 0 {
		return &usageError{fmt.Errorf("--rate is 0 or more, not %v", f.rate)}
	}
	if f.body != "" {
		return f.replayEdited(o, ids)
	}
	s, err := f.selection(o, ids)
	if err != nil {
		return err
	}
	const path = lettersPath + "/replay"
	found, err := o.count(path, s)
	if err != nil {
		return err
	}
	if f.dryRun {
		return o.tellCount("would replay", found)
	}
	if found.Matched > 0 && f.from != "-" {
		if err := o.confirm(fmt.Sprintf("Replay %s?", tellMatched(found)), f.yes, false); err != nil {
			return err
		}
	}
	if f.rate > 0 && found.Intake > 0 {
		// The server reads callbacks again at the rate: a request a second moves the
		// bar, and is not cut off.
		s.step = max(1, min(part, int(f.rate)))
	}
	done, err := f.replay(o, path, s, found.Matched)
	if terr := f.tell(o, done, err); err == nil {
		err = terr
	}
	return err
}

// replayEdited takes one callback with the body of a file.
func (f replayFlags) replayEdited(o *operator, ids []string) error {
	if len(ids) != 1 || !f.empty() || f.all || f.from != "" || f.dryRun || f.rate != 0 {
		return &usageError{errors.New("--body goes with one ID, and nothing else")}
	}
	body, err := readBody(f.body, o.cmd.InOrStdin())
	if err != nil {
		return err
	}
	if !utf8.Valid(body) {
		return fmt.Errorf("%s is not UTF-8, as a corrected body must be", f.body)
	}
	var done operate.Replayed
	err = o.client.Post(o.ctx(), lettersPath+"/replay", map[string]string{"id": ids[0], "body": string(body)}, &done)
	if err != nil {
		return err
	}
	return f.tell(o, replayedInAll{done.Counted, done.ReplayCounts}, nil)
}

// selection also takes the ids of an export.
func (f replayFlags) selection(o *operator, ids []string) (selection, error) {
	if f.from == "" {
		return f.read(o, ids)
	}
	if len(ids) > 0 || !f.empty() || f.all {
		return selection{}, &usageError{errors.New("--from goes alone: without IDs, filters and --all")}
	}
	ids, err := readExport(f.from, o.cmd.InOrStdin())
	return selection{ids: ids}, err
}

// readExport returns the ids of an export.
func readExport(path string, stdin io.Reader) (ids []string, err error) {
	in := stdin
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer func() { _ = file.Close() }() // only read from
		in = file
	}
	lines := bufio.NewReader(in)
	for n := 1; ; n++ {
		text, err := lines.ReadString('\n')
		if line := strings.TrimSpace(text); line != "" {
			var letter struct {
				ID string `json:"id"`
			}
			if json.Unmarshal([]byte(line), &letter) != nil || letter.ID == "" {
				return nil, fmt.Errorf("%s, line %d: a dead letter is one JSON object with an id", path, n)
			}
			ids = append(ids, letter.ID)
		}
		switch {
		case errors.Is(err, io.EOF) && len(ids) == 0:
			return nil, fmt.Errorf("%s holds no dead letters", path)
		case errors.Is(err, io.EOF):
			return ids, nil
		case err != nil:
			return nil, err
		}
	}
}

// replay sends the requests and sums the answers up.
func (f replayFlags) replay(o *operator, path string, s selection, total int) (replayedInAll, error) {
	sum := replayedInAll{
		Counted: operate.Counted{BySink: map[string]int{}}, ReplayCounts: operate.ReplayCounts{Failures: []operate.Failure{}},
	}
	p := o.progress("replayed", total)
	defer p.end()
	err := s.parts(func(body map[string]any) (operate.Selected, error) {
		if f.rate > 0 {
			body["rate_per_second"] = f.rate
		}
		if !sum.NextDueAt.IsZero() {
			body["not_before"] = later(sum.NextDueAt.Time)
		}
		var one operate.Replayed
		if err := o.client.Post(o.ctx(), path, body, &one); err != nil {
			return operate.Selected{}, err
		}
		sum.Counted.Add(one.Counted)
		sum.ReplayCounts.Add(one.ReplayCounts)
		p.at(sum.Matched)
		return one.Selected, nil
	})
	return sum, err
}

// tell says what was done, also where it broke off.
func (f replayFlags) tell(o *operator, a replayedInAll, failed error) error {
	if o.json {
		if err := printJSON(o.out(), a); err != nil {
			return err
		}
	} else {
		o.print("replayed %s", count(a.Replayed, "delivery"))
		for _, fact := range []struct {
			n    int
			text string
		}{
			{a.Accepted, count(a.Accepted, "callback") + " became calls"},
			{a.Ignored, count(a.Ignored, "callback") + " turned out to be events and no calls, and are gone"},
			{a.Missing, noLonger(a.Missing)},
		} {
			if fact.n > 0 {
				o.print("%s", fact.text)
			}
		}
		if !a.NextDueAt.IsZero() && a.Replayed > 0 {
			o.print("the last one comes due before %s", o.when(a.NextDueAt))
		}
	}
	for _, one := range a.Failures {
		o.say("%s stays: %s", one.ID, plaintext.Line(o.masked(call.Masker{}, one.Reason)))
	}
	if failed == nil && a.Kept > 0 {
		return fmt.Errorf("%s could not be replayed", count(a.Kept, "dead letter"))
	}
	return nil
}

// tellCount prints what a dry run has found.
func (o *operator) tellCount(verb string, c operate.Counted) error {
	if o.json {
		return printJSON(o.out(), c)
	}
	o.print("%s %s", verb, tellMatched(c))
	if c.Missing > 0 {
		o.print("%s", noLonger(c.Missing))
	}
	return nil
}

// noLonger says how many dead letters were not found.
func noLonger(n int) string { return count(n, "dead letter") + " not there any more" }

// tellMatched says how many dead letters there are, and of what.
func tellMatched(c operate.Counted) string {
	var parts []string
	for _, sink := range slices.Sorted(maps.Keys(c.BySink)) {
		parts = append(parts, fmt.Sprintf("%s %d", sink, c.BySink[sink]))
	}
	if c.Intake > 0 {
		parts = append(parts, fmt.Sprintf("intake %d", c.Intake))
	}
	text := count(c.Matched, "dead letter")
	if len(parts) > 0 {
		text += " (" + strings.Join(parts, ", ") + ")"
	}
	return text
}
