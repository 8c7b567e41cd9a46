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
func runBudgets(ctx context.Context, args []string, _ io.Reader, out io.Writer) (err error) {
	s, err := parse("run", args)
	if err != nil {
		return err
	}
	h, err := newHarness(ctx, s, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	r, err := h.newReport("run", args)
	if err != nil {
		return err
	}
	for _, measure := range []func(context.Context) (section, error){
		h.intakeAndSyncs,
		func(ctx context.Context) (section, error) { return h.endToEnd(ctx, 1) },
		func(ctx context.Context) (section, error) { return h.endToEnd(ctx, 3) },
		h.never,
		h.backlogged,
		h.size,
	} {
		part, err := measure(ctx)
		if err != nil {
			return err
		}
		r.Sections = append(r.Sections, part)
		if _, err := fmt.Fprintln(out, "\n"+part.markdown()); err != nil {
			return err
		}
	}
	return r.write(s.out, "budgets")
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
