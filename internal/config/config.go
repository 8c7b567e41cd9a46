package config

import (
	"cmp"
	"fmt"
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
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// Config is the whole configuration, with defaults filled in.
type Config struct {
	intake.ServerConfig `yaml:",inline"`
	Timezone            string                `yaml:"timezone" example:"Asia/Jakarta" doc:"IANA name of the zone of times on pages, where the browser does not say its own."`
	Admin               Admin                 `yaml:"admin" doc:"The private listener: health, metrics, API and dashboard."`
	Spool               spool.Config          `yaml:"spool" doc:"The durable store, one SQLite file. It must lie on a local disk or a block volume."`
	Shutdown            Shutdown              `yaml:"shutdown" doc:"How the process ends on SIGTERM or SIGINT."`
	Log                 Log                   `yaml:"log" doc:"What is logged, on standard error."`
	Tracing             tracing.Config        `yaml:"tracing" example:"{otlp_endpoint: \"http://localhost:4318\"}" doc:"Where spans go, in OTLP over HTTP. W3C trace context is passed on without it."`
	TrustedProxies      []intake.Network      `yaml:"trusted_proxies" example:"[10.0.0.0/8]" doc:"Proxies whose X-Forwarded-For counts; the client is its rightmost address that is none of them."`
	Sources             []intake.SourceConfig `yaml:"sources" doc:"One for each telephony account that posts callbacks."`
	Sinks               []Sink                `yaml:"sinks" doc:"One for each destination."`
	Tables              map[string]TableFile  `yaml:"tables" example:"{owners: {file: owners.csv}}" doc:"Lookups for table(name, key) in rules and templates, by name."`
	Rules               []route.Rule          `yaml:"rules" doc:"Read from top to bottom. Every rule that matches adds its sinks; each sink gets a revision of a call once."`
}

// Sink is one configured destination: its kind, how its client behaves, and how
// its lane does.
type Sink struct {
	Name              string `yaml:"name" jsonschema:"required" example:"crm" doc:"Stands in rules, metrics and commands: 1 to 63 of a-z, 0-9 and -. Part of the message id."`
	sinks.Config      `yaml:",inline"`
	outbound.Settings `yaml:",inline"`
	MaxRequest        spool.Bytes       `yaml:"max_request" example:"4MiB" doc:"Bound of a rendered request: address, headers and body. A call whose request is larger is a dead letter \"render\". From 1KiB to 64MiB."`
	Settle            time.Duration     `yaml:"settle" example:"90s" doc:"Delivers a call only when no newer revision of it has come for so long, as for ring groups and recordings; the older ones end as superseded. Up to 24h."`
	Shadow            bool              `yaml:"shadow" example:"true" doc:"For going live: lookups are made, and of all else it is only shown, with the call, what would have been sent. Deliveries end as delivered."`
	Lane              delivery.Settings `yaml:",inline"`
}

// The least and the most that max_request may be.
const (
	minMaxRequest = 1 << 10
	maxMaxRequest = 64 << 20
)

// Build makes the sink of a valid configuration. The deps are those that the
// configuration does not know.
func (s Sink) Build(d contract.Deps) (contract.Sink, error) {
	d.MaxRequest, d.Shadow = int(s.MaxRequest), s.Shadow
	sink, err := sinks.Build(s.Config, d)
	if err != nil {
		return nil, fmt.Errorf("sink %s: %w", s.Name, err)
	}
	return sink, nil
}

// Admin is the private listener.
type Admin struct {
	Listen string       `yaml:"listen" restart:"true" example:"\"0.0.0.0:8081\"" doc:"Host and port. Beyond loopback, API and dashboard need a token; health and metrics are always open."`
	Token  secret.Value `yaml:"token" example:"{env: CDRELAY_ADMIN_TOKEN}" doc:"Opens API and dashboard, as bearer token or as password of HTTP Basic. Without one they are served on loopback only."`
}

// Settings returns the part in the form that the private listener takes.
func (a Admin) Settings() admin.Config { return admin.Config{Listen: a.Listen, Token: a.Token} }

// Shutdown bounds the end of the process.
type Shutdown struct {
	Delay time.Duration  `yaml:"delay" example:"5s" doc:"How long to go on taking callbacks while not ready, so that load balancers notice."`
	Grace *time.Duration `yaml:"grace" example:"25s" doc:"What attempts on their way get from then to the exit."`
}

// Log says what is logged and how.
type Log struct {
	Level  string `yaml:"level" jsonschema:"enum=debug,enum=info,enum=warn,enum=error" example:"debug" doc:"The lowest level that is logged."`
	Format string `yaml:"format" jsonschema:"enum=json,enum=text" restart:"true" example:"text" doc:"JSON for machines, text for people."`
}

const defaultGrace = 25 * time.Second

// withDefaults fills what was not set.
func (c Config) withDefaults() Config {
	c.ServerConfig = c.WithDefaults() // the embedded one has the only exported method of that name
	c.Timezone = cmp.Or(c.Timezone, "UTC")
	c.Admin.Listen = c.Admin.Settings().WithDefaults().Listen
	c.Spool = c.Spool.WithDefaults()
	if c.Shutdown.Grace == nil {
		c.Shutdown.Grace = new(defaultGrace)
	}
	c.Log = Log{Level: cmp.Or(c.Log.Level, "info"), Format: cmp.Or(c.Log.Format, "json")}
	c.Tracing = c.Tracing.WithDefaults()
	for i, s := range c.Sources {
		c.Sources[i] = s.WithDefaults()
	}
	for i, s := range c.Sinks {
		c.Sinks[i] = s.withDefaults()
	}
	return c
}

func (s Sink) withDefaults() Sink {
	if rate := s.DefaultRate(); rate > 0 && s.Lane.Rate == nil {
		s.Lane.Rate = &outbound.Rate{PerSecond: rate}
	}
	s.Lane = s.Lane.WithDefaults()
	s.Settings = s.Settings.WithDefaults()
	s.Config = s.Config.WithDefaults()
	s.MaxRequest = cmp.Or(s.MaxRequest, contract.DefaultMaxRequest)
	return s
}

// SinkNames returns the names of the sinks in the order of the file.
func (c Config) SinkNames() []string {
	names := make([]string, len(c.Sinks))
	for i, s := range c.Sinks {
		names[i] = s.Name
	}
	return names
}
