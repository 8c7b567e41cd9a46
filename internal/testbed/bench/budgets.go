package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// report is what a command leaves as JSON.
type report struct {
	Command  string    `json:"command"`
	Taken    time.Time `json:"taken"`
	Machine  machine   `json:"machine"`
	Sections []section `json:"sections,omitempty"`
}

// runBudgets measures everything that has a budget.
func runBudgets(ctx context.Context, args []string, _ io.Reader, out io.Writer) error {
	s, r, parts, err := measure(ctx, "run", args, out, func(h *harness) []func(context.Context) (section, error) {
		return []func(context.Context) (section, error){
			h.intakeAndSyncs,
			func(ctx context.Context) (section, error) { return h.endToEnd(ctx, 1) },
			func(ctx context.Context) (section, error) { return h.endToEnd(ctx, 3) },
			h.never,
			h.backlogged,
			h.size,
		}
	})
	if err != nil {
		return err
	}
	r.Sections = parts
	return r.write(s.out, "budgets")
}

// measure measures one part after the other and prints each as soon as it is there.
func measure[T interface{ markdown() string }](
	ctx context.Context, command string, args []string, out io.Writer, of func(*harness) []func(context.Context) (T, error),
) (s settings, r report, parts []T, err error) {
	if s, err = parse(command, args); err != nil {
		return s, r, nil, err
	}
	h, err := newHarness(ctx, s, out)
	if err != nil {
		return s, r, nil, err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	if r, err = h.newReport(command, args); err != nil {
		return s, r, nil, err
	}
	for _, one := range of(h) {
		part, err := one(ctx)
		if err != nil {
			return s, r, nil, err
		}
		parts = append(parts, part)
		if _, err := fmt.Fprintln(out, "\n"+part.markdown()); err != nil {
			return s, r, nil, err
		}
	}
	return s, r, parts, nil
}

// size measures the binary; the image holds nothing else.
func (h *harness) size(context.Context) (section, error) {
	out := section{Title: "the program"}
	info, err := os.Stat(h.binary)
	if err != nil {
		return out, err
	}
	out.add("binary", "size of the binary", "MB", float64(info.Size())/1e6).most(40)
	return out, nil
}

// newReport begins the report of a command.
func (h *harness) newReport(command string, args []string) (r report, err error) {
	r.Command = strings.TrimSpace("bin/bench/bench " + command + " " + strings.Join(args, " "))
	r.Taken = time.Now().UTC().Truncate(time.Second)
	r.Machine, err = lookAround(h.dir)
	return r, err
}

// write leaves the report as JSON and as Markdown.
func (r report) write(folder, name string) error {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	var text strings.Builder
	text.WriteString(r.preamble() + "\n")
	for _, s := range r.Sections {
		text.WriteString(s.markdown() + "\n")
	}
	return errors.Join(
		os.WriteFile(filepath.Join(folder, name+".json"), append(b, '\n'), 0o600),
		os.WriteFile(filepath.Join(folder, name+".md"), []byte(text.String()), 0o600),
	)
}

// preamble says how and where the figures were taken.
func (r report) preamble() string {
	return fmt.Sprintf("Taken on %s with `%s`. %s\n", r.Taken.Format("2006-01-02 15:04 UTC"), r.Command, r.Machine)
}
