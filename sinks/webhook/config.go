package webhook

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// The encodings of a body and the envelopes around it.
const (
	encodingJSON        = "json"
	encodingForm        = "form"
	encodingMultipart   = "multipart"
	envelopeNone        = "none"
	envelopeCloudEvents = "cloudevents"
)

// Config is the `webhook` section of a sink: one request, or the steps of several.
type Config struct {
	// Held are the secrets of With that expressions read.
	Held map[string]secret.Value `yaml:"-"`

	With        With         `yaml:"with" example:"{team: sales, key: {env: CRM_KEY}}" doc:"Values that expressions read as with.name, and {with: name} as a whole value, secrets too. Presets are made of them."`
	Let         Let          `yaml:"let" example:"{national: nationalNumber(call.customer.number)}" doc:"Expressions with a name, which others of the section read as let.name: each is replaced by its text, in brackets. One may use with, and those above it."`
	Base        secret.Value `yaml:"base" example:"https://api.example.com" doc:"What is put before a url that is not a whole address."`
	Request     `yaml:",inline"`
	Steps       []Step            `yaml:"steps" example:"[{name: contact, method: GET, url: \"https://crm.example.com/contacts\", query: {phone: \"${call.customer.number}\"}, result: response.json.id, cache: 10m}, {name: call, url: \"https://crm.example.com/calls\", body: {contact: \"${steps.contact}\"}, result: response.json.id}]" doc:"The requests of a delivery that takes several, one after another, in the place of url and what belongs to it. headers, auth, sign, success, pause, address_if and retry_if beside them hold for every step that has none of its own."`
	Envelope    string            `yaml:"envelope" jsonschema:"enum=none,enum=cloudevents" example:"cloudevents" doc:"cloudevents puts the body as data into a CloudEvents envelope (structured mode). Not with steps."`
	TLS         outbound.TLSFiles `yaml:"tls" example:"{ca: private-ca.crt, cert: client.crt, key: client.key}" doc:"For a private authority or a client certificate."`
	DenyPrivate bool              `yaml:"deny_private" example:"true" doc:"Refuses private, loopback, link-local and metadata addresses when they are dialled."`
}

// Request is one request and how its answer is read.
type Request struct {
	URL       secret.Value           `yaml:"url" template:"true" example:"https://crm.example.com/calls/${call.id}" doc:"Where to send; what begins with / follows base. ${…} may stand in path and query, and is escaped there. A secret as a whole where it comes from env or file."`
	Query     Query                  `yaml:"query" example:"{source: cdrelay, phone: \"${call.customer.number}\"}" doc:"Added to the query of url, also where url is a secret: texts that may hold ${…}, or secrets. Empty ones are left out."`
	Method    expr.Text              `yaml:"method" default:"POST" example:"PUT" doc:"POST, PUT, PATCH, GET or DELETE, or ${…} that results in one of them. GET and DELETE send no body."`
	Headers   Headers                `yaml:"headers" example:"{X-Tenant: \"${call.account}\", X-Api-Key: {env: CRM_KEY}}" doc:"Texts that may hold ${…}, or secrets."`
	Encoding  string                 `yaml:"encoding" jsonschema:"enum=json,enum=form,enum=multipart" example:"form" doc:"How the body is written. A form and multipart/form-data need a mapping."`
	Body      Body                   `yaml:"body" default:"the call record; nothing in a step" example:"{phone: \"${call.customer.number}\", seconds: \"${call.talk_seconds}\"}" doc:"What is sent: any tree. A text that is one whole ${…} keeps its type, and leaves its key out where it has no value; {env: NAME} and {file: PATH} are secrets."`
	Auth      *Auth                  `yaml:"auth" example:"{bearer: {env: CRM_TOKEN}}" doc:"Who we are: exactly one of bearer, basic, oauth2."`
	Sign      *Sign                  `yaml:"sign" example:"{standard_webhooks: {env: CRM_SIGNING_SECRET}}" doc:"Signs each try."`
	Success   expr.ResponseCondition `yaml:"success" default:"a 2xx" example:"response.status == 200 && response.json.ok == true" doc:"Which answers mean delivered, in CEL over response: status, headers, body, json. An error in it counts as false."`
	Pause     expr.ResponseWait      `yaml:"pause" default:"never" example:"response.headers[\"x-ratelimit-reset\"]" doc:"How many seconds the sink asks to be left alone, where it says so in its own way: CEL that yields a number, a text that is one, or a duration; nothing, 0 and an error mean that it does not ask. Read before retry_if."`
	AddressIf expr.ResponseCondition `yaml:"address_if" default:"never" example:"response.status == 200 && response.json.errcode == 310000" doc:"Read first: the address or the credentials are wrong, with any status. Calls wait and an alert fires."`
	RetryIf   expr.ResponseCondition `yaml:"retry_if" default:"never" example:"response.status == 200 && response.body.contains(\"maintenance\")" doc:"Read before success: the sink is unwell although it answered, and the delivery is tried again."`
}

// WithDefaults returns the configuration with what was left out.
func (c Config) WithDefaults() Config {
	c.Envelope = cmp.Or(c.Envelope, envelopeNone)
	c.Auth = c.Auth.withDefaults()
	if len(c.Steps) == 0 {
		c.Request = c.complete()
		return c
	}
	c.Steps = slices.Clone(c.Steps)
	for i, s := range c.Steps {
		s.Request = s.complete()
		s.Rate = s.Rate.WithDefaults()
		c.Steps[i] = s
	}
	return c
}

// complete returns the request with what was left out.
func (r Request) complete() Request {
	r.Encoding = cmp.Or(r.Encoding, encodingJSON)
	r.Auth = r.Auth.withDefaults()
	return r
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
	c.TLS.Validate(contract.Under("tls", report))
	c.validateShared(report)
	if len(c.Steps) > 0 {
		c.validateSteps(report)
		return
	}
	c.validateEnvelope(report)
	c.Headers.validate(c.Request, contract.Under("headers", report))
	c.whole().validate(expr.StepScope{}, report)
}

// validateShared checks what holds for all steps. A base alone is checked where it
// is used.
func (c Config) validateShared(report func(path, problem string)) {
	if c.Auth != nil {
		c.Auth.validate(contract.Under("auth", report))
	}
	if c.Sign != nil {
		c.Sign.validate(contract.Under("sign", report))
	}
	if len(c.Steps) == 0 {
		return
	}
	c.Headers.validate(c.Request, contract.Under("headers", report))
	for key, written := range map[string]bool{
		"url": !c.URL.IsZero(), "query": len(c.Query) > 0, "method": !c.Method.IsZero(), "body": !c.Body.IsZero(), "encoding": c.Encoding != "",
		"envelope": c.Envelope != envelopeNone,
	} {
		if written {
			report(key, "belongs to one request, and there are steps: write it in a step, or leave the steps out")
		}
	}
}

// validateEnvelope checks the envelope against the request that it is around.
func (c Config) validateEnvelope(report func(path, problem string)) {
	switch c.Envelope {
	case envelopeNone:
	case envelopeCloudEvents:
		for name := range c.Headers {
			if strings.EqualFold(name, "content-type") {
				report("headers."+name, "is set by envelope cloudevents: remove it")
			}
		}
		if c.Encoding != encodingJSON {
			report("envelope", "cloudevents is JSON: leave out encoding: "+c.Encoding)
		}
		if method, fixed := c.fixedMethod(); fixed && bodiless(method) {
			report("envelope", method+" sends no body: use POST or PUT")
		}
	default:
		report("envelope", fmt.Sprintf("%q is not an envelope: write none or cloudevents", c.Envelope))
	}
}

func methods() []string {
	return []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodGet, http.MethodDelete}
}

// fixedMethod returns the method where it is the same for every call.
func (r Request) fixedMethod() (string, bool) {
	if r.Method.IsZero() {
		return http.MethodPost, true
	}
	return r.Method.Static()
}

func bodiless(method string) bool { return method == http.MethodGet || method == http.MethodDelete }
