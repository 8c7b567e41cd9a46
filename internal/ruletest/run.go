package ruletest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cdrelay/cdrelay/internal/explain"
)

// defaultReceivedAt is a record's received_at unless the case says another. It is
// fixed, so that a request that shows it is the same every time.
const defaultReceivedAt = "2025-01-01T00:00:00Z"

// Options are what Run needs besides the files.
type Options struct {
	// Config is the configuration of files that name none.
	Config string
	// Load reads a configuration. It is called with the file's `env` set.
	Load func(config string) (*explain.Explainer, error)
}

// Result is what came of one file.
type Result struct {
	File string
	// Err says why the cases were not run.
	Err   error
	Cases []CaseResult
	Took  time.Duration
}

// CaseResult is what came of one case: passed when nothing differs.
type CaseResult struct {
	Name        string
	Differences []Difference
	Took        time.Duration
}

// Failed tells whether anything is not as expected.
func (r Result) Failed() bool { return r.Err != nil || r.failures() > 0 }

func (r Result) failures() int {
	n := 0
	for _, c := range r.Cases {
		if len(c.Differences) > 0 {
			n++
		}
	}
	return n
}

// Run runs the cases of one file.
func Run(ctx context.Context, path string, o Options) Result {
	begun := time.Now()
	r := Result{File: path}
	r.Cases, r.Err = run(ctx, path, o)
	r.Took = time.Since(begun)
	return r
}

func run(ctx context.Context, path string, o Options) ([]CaseResult, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	p, err := parse(path, text)
	if err != nil {
		return nil, err
	}
	e, err := p.load(path, o)
	if err != nil {
		return nil, err
	}
	if err := p.validateNames(e); err != nil {
		return nil, err
	}
	results := make([]CaseResult, len(p.Cases))
	for i, c := range p.Cases {
		begun := time.Now()
		found, err := c.run(ctx, e, filepath.Dir(path), p.Env)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, p.line("cases", i), err)
		}
		results[i] = CaseResult{Name: c.Name, Differences: found, Took: time.Since(begun)}
	}
	return results, nil
}

// load reads the configuration with the file's variables set.
func (p *parsed) load(path string, o Options) (e *explain.Explainer, err error) {
	config := o.Config
	if p.Config != "" {
		config = beside(filepath.Dir(path), p.Config)
	}
	restore, err := setEnv(p.Env)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, restore()) }()
	if e, err = o.Load(config); err != nil {
		return nil, fmt.Errorf("%s: the configuration does not load; `env` sets variables for a test:\n%w", path, err)
	}
	return e, nil
}

func beside(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// setEnv sets variables and gives what puts the former ones back.
func setEnv(env map[string]string) (restore func() error, err error) {
	var undo []func() error
	restore = func() error {
		var errs []error
		for _, f := range undo {
			errs = append(errs, f())
		}
		return errors.Join(errs...)
	}
	for name, value := range env {
		if old, there := os.LookupEnv(name); there {
			undo = append(undo, func() error { return os.Setenv(name, old) })
		} else {
			undo = append(undo, func() error { return os.Unsetenv(name) })
		}
		if err := os.Setenv(name, value); err != nil {
			return restore, errors.Join(fmt.Errorf("env %s: %w", name, err), restore())
		}
	}
	return restore, nil
}

func (c testCase) run(ctx context.Context, e *explain.Explainer, dir string, env map[string]string) ([]Difference, error) {
	body := c.Callback.body()
	if c.File != "" {
		var err error
		if body, err = readFile(beside(dir, c.File)); err != nil {
			return nil, err
		}
	}
	at := c.ReceivedAt.Time
	if at.IsZero() {
		var err error
		if at, err = time.Parse(time.RFC3339, defaultReceivedAt); err != nil {
			return nil, err
		}
	}
	x, err := e.Explain(ctx, explain.Callback{Source: c.Source, Body: body, ReceivedAt: at, Revision: c.Revision, Given: c.given()})
	if err != nil {
		return nil, err
	}
	return c.Expect.check(x, env), nil
}

// given are the results of steps.
func (c testCase) given() explain.Given {
	g := explain.Given{Results: map[string]string{}, Remembered: c.Remembered}
	for name, value := range c.Results {
		g.Results[name] = string(value.json)
	}
	return g
}
