package app

import (
	"context"
	"fmt"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/explain"
	"github.com/cdrelay/cdrelay/internal/intake"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// NewExplainer returns an Explainer of a configuration, for what runs no server.
// version is that of the binary.
func NewExplainer(loaded *config.Loaded, version string) (*explain.Explainer, error) {
	return newExplainer(loaded, version, func(c config.Sink) (contract.Sink, error) { return c.Build(contract.Deps{Lookup: loaded.Rows.Lookup}) })
}

func newExplainer(loaded *config.Loaded, version string, build func(config.Sink) (contract.Sink, error)) (*explain.Explainer, error) {
	c := explain.Config{Rules: loaded.Rules, Lookup: loaded.Rows.Lookup, UserAgent: userAgent(version)}
	for _, s := range loaded.Sources {
		reader, err := intake.NewReader(sourceOf(s))
		if err != nil {
			return nil, fmt.Errorf("source %s: %w", s.Name, err)
		}
		read := func(body []byte) (*call.Record, call.ContentHash, error) { return reader.Read("", body) }
		c.Sources = append(c.Sources, explain.Source{Name: s.Name, Format: s.Format, Read: read})
	}
	for _, s := range loaded.Sinks {
		sink, err := build(s)
		if err != nil {
			return nil, err
		}
		c.Sinks = append(c.Sinks, explain.Sink{Name: s.Name, Sink: sink})
	}
	return explain.New(c), nil
}

// Explain says what would become of a callback now. Its error is an
// *explain.UnknownSource.
func (a *App) Explain(ctx context.Context, source string, body []byte) (*explain.Explanation, error) {
	now := a.state.Load()
	e, err := newExplainer(now.loaded, a.opts.Version, func(c config.Sink) (contract.Sink, error) {
		return now.running[c.Name].sink, nil // every configured sink runs
	})
	if err != nil {
		return nil, err
	}
	return e.Explain(ctx, explain.Callback{Source: source, Body: body, ReceivedAt: time.Now()})
}
