package config

import (
	"time"

	"github.com/cdrelay/cdrelay/internal/admin"
	"github.com/cdrelay/cdrelay/internal/delivery"
	"github.com/cdrelay/cdrelay/internal/intake"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/route"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/tracing"
	"github.com/cdrelay/cdrelay/sinks"
)

// Config is the whole configuration, with defaults filled in.
type Config struct {
	intake.ServerConfig `yaml:",inline"`
	Admin               Admin                 `yaml:"admin"`
	Spool               spool.Config          `yaml:"spool"`
	Shutdown            Shutdown              `yaml:"shutdown"`
	Log                 Log                   `yaml:"log"`
	Tracing             tracing.Config        `yaml:"tracing"`
	TrustedProxies      []intake.Network      `yaml:"trusted_proxies"`
	Sources             []intake.SourceConfig `yaml:"sources"`
	Sinks               []Sink                `yaml:"sinks"`
	Rules               []route.Rule          `yaml:"rules"`
}

// Sink is one configured destination: its kind, how its client behaves, and how
// its lane does.
type Sink struct {
	Name              string `yaml:"name"`
	sinks.Config      `yaml:",inline"`
	outbound.Settings `yaml:",inline"`
	Lane              delivery.Settings `yaml:",inline"`
}

// Admin is the private listener.
type Admin struct {
	// Listen is host:port.
	Listen string `yaml:"listen"`
	// Token opens the API; without one the API is served on loopback only.
	Token secret.Value `yaml:"token"`
}

// Settings gives the part in the form that the private listener takes.
func (a Admin) Settings() admin.Config { return admin.Config{Listen: a.Listen, Token: a.Token} }

// Shutdown bounds the end of the process.
type Shutdown struct {
	// Delay is how long to go on accepting while not ready, so that load
	// balancers notice.
	Delay time.Duration `yaml:"delay"`
	// Grace is the time from then to the exit.
	Grace *time.Duration `yaml:"grace"`
}

// Log says what is logged and how.
type Log struct {
	// Level is debug, info, warn or error.
	Level string `yaml:"level"`
	// Format is json or text.
	Format string `yaml:"format"`
}

const defaultGrace = 25 * time.Second

// withDefaults fills what was not set.
func (c Config) withDefaults() Config {
	c.ServerConfig = c.WithDefaults() // the embedded one has the only exported method of that name
	c.Admin.Listen = c.Admin.Settings().WithDefaults().Listen
	c.Spool = c.Spool.WithDefaults()
	if c.Shutdown.Grace == nil {
		grace := defaultGrace
		c.Shutdown.Grace = &grace
	}
	if c.Log.Level == "" {
		c.Log.Level = "info"
	}
	if c.Log.Format == "" {
		c.Log.Format = "json"
	}
	for i, s := range c.Sources {
		c.Sources[i] = s.WithDefaults()
	}
	for i, s := range c.Sinks {
		c.Sinks[i] = s.withDefaults()
	}
	return c
}

// slackRate is what Slack's incoming webhooks and channels take.
const slackRate = 1

func (s Sink) withDefaults() Sink {
	if s.Slack != nil && s.Lane.Rate == nil {
		s.Lane.Rate = &delivery.RateSettings{PerSecond: slackRate, Burst: slackRate}
	}
	s.Lane = s.Lane.WithDefaults()
	s.Settings = s.WithDefaults()
	return s
}

// SinkNames gives the names of the sinks in the order of the file.
func (c Config) SinkNames() []string {
	names := make([]string, len(c.Sinks))
	for i, s := range c.Sinks {
		names[i] = s.Name
	}
	return names
}
