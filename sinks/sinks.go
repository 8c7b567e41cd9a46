// Package sinks lists the kinds of sink: it owns the one-of that a sink's
// configuration is, and builds the configured kind. A new kind is a package
// beside the others, a field and a line here; nothing registers itself.
//
// It has no state.
package sinks

import (
	"errors"

	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/slack"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

var errNoKind = errors.New("a sink needs a kind: webhook or slack")

// Config is exactly one kind of sink.
type Config struct {
	Webhook *webhook.Config `yaml:"webhook" example:"{url: {env: CRM_URL}}" doc:"A request to any HTTP endpoint. A sink has exactly one of webhook and slack."`
	Slack   *slack.Config   `yaml:"slack" example:"{webhook_url: {env: SLACK_WEBHOOK_URL}}" doc:"A message in Slack, by an incoming webhook, or by token and channel."`
}

// Kind names the configured kind; "" when there is none.
func (c Config) Kind() string {
	switch {
	case c.Webhook != nil:
		return "webhook"
	case c.Slack != nil:
		return "slack"
	default:
		return ""
	}
}

// WithDefaults gives the configuration with what was left out.
func (c Config) WithDefaults() Config {
	if c.Webhook != nil {
		c.Webhook = new(c.Webhook.WithDefaults())
	}
	if c.Slack != nil {
		c.Slack = new(c.Slack.WithDefaults())
	}
	return c
}

// Validate reports every problem; paths begin with the kind, such as
// "webhook.url".
func (c Config) Validate(report func(path, problem string)) {
	if c.Webhook == nil && c.Slack == nil {
		report("", "a sink needs a kind: add webhook or slack")
	}
	if c.Webhook != nil && c.Slack != nil {
		report("slack", "a sink has one kind: make two sinks of webhook and slack")
	}
	if c.Webhook != nil {
		c.Webhook.Validate(under("webhook", report))
	}
	if c.Slack != nil {
		c.Slack.Validate(under("slack", report))
	}
}

// Warn reports what works but is probably not meant; paths are as in Validate.
func (c Config) Warn(report func(path, warning string)) {
	if c.Webhook != nil {
		c.Webhook.Warn(under("webhook", report))
	}
	if c.Slack != nil {
		c.Slack.Warn(under("slack", report))
	}
}

func under(kind string, report func(path, problem string)) func(path, problem string) {
	return func(path, problem string) {
		if path != "" {
			path = "." + path
		}
		report(kind+path, problem)
	}
}

// Build makes the sink of a valid configuration.
func Build(c Config, d contract.Deps) (contract.Sink, error) {
	switch {
	case c.Webhook != nil:
		return built(webhook.New(*c.Webhook, d))
	case c.Slack != nil:
		return built(slack.New(*c.Slack, d))
	default:
		return nil, errNoKind
	}
}

// built keeps a nil pointer of a kind from becoming a Sink that is not nil.
func built[S contract.Sink](s S, err error) (contract.Sink, error) {
	if err != nil {
		return nil, err
	}
	return s, nil
}
