package webhook

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// The encodings of a body and the envelopes around it.
const (
	encodingJSON        = "json"
	encodingForm        = "form"
	envelopeNone        = "none"
	envelopeCloudEvents = "cloudevents"
)

// Config is the `webhook` section of a sink.
type Config struct {
	With        With                   `yaml:"with" example:"{team: sales, key: {env: CRM_KEY}}" doc:"Values that expressions read as with.name, and for which {with: name} stands as a whole value, secrets too. Presets are made of them."`
	Let         Let                    `yaml:"let" example:"{national: nationalNumber(call.customer.number)}" doc:"Expressions with a name, which others of the section read as let.name: each becomes what it stands for, in brackets. One may use with, and those above it."`
	URL         secret.Value           `yaml:"url" jsonschema:"required" template:"true" example:"https://crm.example.com/calls/${call.id}" doc:"Where to send. ${…} may stand in path and query, and is escaped there. A secret as a whole where it comes from env or file."`
	Query       Query                  `yaml:"query" example:"{source: cdrelay, phone: \"${call.customer.number}\"}" doc:"Added to the query of url, also where url is a secret: texts that may hold ${…}, or secrets. Empty ones are left out."`
	Method      string                 `yaml:"method" jsonschema:"enum=POST,enum=PUT,enum=PATCH,enum=GET,enum=DELETE" example:"PUT" doc:"GET and DELETE send no body."`
	Headers     Headers                `yaml:"headers" example:"{X-Tenant: \"${call.account}\", X-Api-Key: {env: CRM_KEY}}" doc:"Texts that may hold ${…}, or secrets."`
	Encoding    string                 `yaml:"encoding" jsonschema:"enum=json,enum=form" example:"form" doc:"How the body is written. A form needs a mapping."`
	Body        Body                   `yaml:"body" default:"the call record" example:"{phone: \"${call.customer.number}\", seconds: \"${call.talk_seconds}\"}" doc:"What is sent: any tree. A text that is one whole ${…} keeps its type, and leaves its key out where it has no value; {env: NAME} and {file: PATH} are secrets."`
	Auth        *Auth                  `yaml:"auth" example:"{bearer: {env: CRM_TOKEN}}" doc:"Who we are: exactly one of bearer, basic, oauth2."`
	Sign        *Sign                  `yaml:"sign" example:"{standard_webhooks: {env: CRM_SIGNING_SECRET}}" doc:"Signs each try."`
	Envelope    string                 `yaml:"envelope" jsonschema:"enum=none,enum=cloudevents" example:"cloudevents" doc:"cloudevents puts the body as data into a CloudEvents envelope (structured mode)."`
	Success     expr.ResponseCondition `yaml:"success" default:"a 2xx" example:"response.status == 200 && response.json.ok == true" doc:"Which answers mean delivered, in CEL over response: status, headers, body, json. An error in it counts as false."`
	Pause       expr.ResponseWait      `yaml:"pause" default:"never" example:"response.headers[\"x-ratelimit-reset\"]" doc:"How many seconds the sink asks to be left alone, where it says so in its own way: CEL that yields a number, a text that is one, or a duration; nothing, 0 and an error mean that it does not ask. Read before retry_if."`
	AddressIf   expr.ResponseCondition `yaml:"address_if" default:"never" example:"response.status == 200 && response.json.errcode == 310000" doc:"Read first: the address or the credentials are wrong, whatever the status. Calls wait and an alert fires."`
	RetryIf     expr.ResponseCondition `yaml:"retry_if" default:"never" example:"response.status == 200 && response.body.contains(\"maintenance\")" doc:"Read before success: the sink is unwell although it answered, and the delivery is tried again."`
	TLS         outbound.TLSFiles      `yaml:"tls" example:"{ca: private-ca.crt, cert: client.crt, key: client.key}" doc:"For a private authority or a client certificate."`
	DenyPrivate bool                   `yaml:"deny_private" example:"true" doc:"Refuses private, loopback, link-local and metadata addresses when they are dialled."`
}

// WithDefaults returns the configuration with what was left out.
func (c Config) WithDefaults() Config {
	c.Method = cmp.Or(c.Method, http.MethodPost)
	c.Encoding = cmp.Or(c.Encoding, encodingJSON)
	c.Envelope = cmp.Or(c.Envelope, envelopeNone)
	c.Auth = c.Auth.withDefaults()
	return c
}

// DefaultRate is 0: what an endpoint takes is not known.
func (c Config) DefaultRate() float64 { return 0 }

// Build makes the sink of a valid configuration.
func (c Config) Build(d contract.Deps) (contract.Sink, error) {
	return contract.Built(New(c, d))
}

// Validate reports every problem with the path of its key.
func (c Config) Validate(report func(path, problem string)) {
	c = c.WithDefaults()
	if c.URL.IsZero() {
		report("url", "is missing: write the address to send to, or {env: NAME}")
	} else if _, err := expr.ParseURL(c.URL.Reveal()); err != nil {
		report("url", err.Error())
	}
	c.validateForm(report)
	c.Headers.validate(c, contract.Under("headers", report))
	c.Query.validate(contract.Under("query", report))
	c.TLS.Validate(contract.Under("tls", report))
	if c.Auth != nil {
		c.Auth.validate(contract.Under("auth", report))
	}
	if c.Sign != nil {
		c.Sign.validate(contract.Under("sign", report))
	}
}

// validateForm checks method, encoding, body and envelope against each other.
func (c Config) validateForm(report func(path, problem string)) {
	methods := []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodGet, http.MethodDelete}
	if !slices.Contains(methods, c.Method) {
		report("method", fmt.Sprintf("%q is not a method: write POST, PUT, PATCH, GET or DELETE", c.Method))
	}
	if c.Encoding != encodingJSON && c.Encoding != encodingForm {
		report("encoding", fmt.Sprintf("%q is not an encoding: write json or form", c.Encoding))
	}
	if c.Encoding == encodingForm && !c.Body.IsZero() && !c.Body.IsMapping() {
		report("body", "is not a mapping, which a form needs: write fields and their values")
	}
	switch c.Envelope {
	case envelopeNone:
	case envelopeCloudEvents:
		if c.Encoding == encodingForm {
			report("envelope", "cloudevents is JSON: leave out encoding: form")
		}
		if c.bodiless() {
			report("envelope", c.Method+" sends no body: use POST or PUT")
		}
	default:
		report("envelope", fmt.Sprintf("%q is not an envelope: write none or cloudevents", c.Envelope))
	}
	if c.bodiless() && !c.Body.IsZero() {
		report("body", c.Method+" sends no body: put the values into the url, or use POST")
	}
}

func (c Config) bodiless() bool {
	return c.Method == http.MethodGet || c.Method == http.MethodDelete
}
