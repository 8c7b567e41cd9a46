// Package sinks lists the kinds of sink: it owns the one-of that a sink's
// configuration is, and builds the configured kind. A new kind is a package
// beside the others, a field of Config and a line of its methods WithDefaults and
// configured; nothing registers itself.
//
// It has no state.
package sinks

import (
	"errors"
	"fmt"

	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/slack"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

const noKind = "a sink needs a kind: add preset, webhook or slack"

// Config is exactly one kind of sink. A preset is a webhook by the time it is read:
// whoever reads the file has put its section in place.
type Config struct {
	Preset  Preset          `yaml:"preset" example:"hubspot" doc:"A webhook that ships with cdrelay, by its name: docs/presets.md. A sink has exactly one of preset, webhook and slack."`
	With    webhook.With    `yaml:"with" example:"{token: {env: HUBSPOT_TOKEN}}" doc:"The parameters of the preset. No text of them is a template."`
	Webhook *webhook.Config `yaml:"webhook" example:"{url: {env: CRM_URL}}" doc:"A request to any HTTP endpoint. A sink has exactly one of preset, webhook and slack."`
	Slack   *slack.Config   `yaml:"slack" example:"{webhook_url: {env: SLACK_WEBHOOK_URL}}" doc:"A message in Slack, by an incoming webhook, or by token and channel; one a second, where rate says nothing else."`
}

// Preset is the name of one.
type Preset string

// kind is the configuration of one kind of sink.
type kind interface {
	// Validate reports every problem, and Warn what works but is probably not meant,
	// with the path of the key.
	Validate(report func(path, problem string))
	Warn(report func(path, warning string))
	// DefaultRate is how many requests a second such a sink takes where its
	// configuration does not say; 0 for any number.
	DefaultRate() float64
	// Build makes the sink of a valid configuration.
	Build(d contract.Deps) (contract.Sink, error)
}

// named is a kind and the key that it is configured by.
type named struct {
	kind
	name string
}

// configured lists the kinds that are configured, in the order of the fields. In a
// valid configuration that is one.
func (c Config) configured() []named {
	var found []named
	if c.Webhook != nil {
		found = append(found, named{c.Webhook, "webhook"})
	}
	if c.Slack != nil {
		found = append(found, named{c.Slack, "slack"})
	}
	return found
}

// WithDefaults returns the configuration with what was left out.
func (c Config) WithDefaults() Config {
	c.Webhook = withDefaults(c.Webhook)
	c.Slack = withDefaults(c.Slack)
	return c
}

func withDefaults[C interface{ WithDefaults() C }](c *C) *C {
	if c == nil {
		return nil
	}
	return new((*c).WithDefaults())
}

// Kind names the configured kind; "" when there is none.
func (c Config) Kind() string {
	for _, k := range c.configured() {
		return k.name
	}
	return ""
}

// DefaultRate is how many requests a second the configured kind takes where nothing
// else is said; 0 for any number.
func (c Config) DefaultRate() float64 {
	for _, k := range c.configured() {
		return k.DefaultRate()
	}
	return 0
}

// Validate reports every problem; paths begin with the kind, such as
// "webhook.url".
func (c Config) Validate(report func(path, problem string)) {
	found := c.configured()
	if len(found) == 0 && c.Preset == "" { // what is wrong with a preset is said elsewhere
		report("", noKind)
	}
	for i, k := range found {
		if i > 0 {
			report(k.name, fmt.Sprintf("a sink has one kind: make two sinks of %s and %s", found[0].name, k.name))
		}
		k.Validate(contract.Under(k.name, report))
	}
}

// Warn reports what works but is probably not meant; paths are as in Validate.
func (c Config) Warn(report func(path, warning string)) {
	for _, k := range c.configured() {
		k.Warn(contract.Under(k.name, report))
	}
}

// Build makes the sink of a valid configuration.
func Build(c Config, d contract.Deps) (contract.Sink, error) {
	for _, k := range c.configured() {
		return k.Build(d)
	}
	return nil, errors.New(noKind)
}
