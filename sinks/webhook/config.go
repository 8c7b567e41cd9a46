package webhook

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
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
	// URL may hold ${…} in path and query, also when it comes from env or file.
	// It is a secret as a whole.
	URL secret.Value `yaml:"url"`
	// Method is POST unless set; GET and DELETE send no body.
	Method  string  `yaml:"method"`
	Headers Headers `yaml:"headers"`
	// Encoding is json or form.
	Encoding string `yaml:"encoding"`
	// Body is what is sent; the call record when left out.
	Body expr.Tree `yaml:"body"`
	Auth *Auth     `yaml:"auth"`
	Sign *Sign     `yaml:"sign"`
	// Envelope is none or cloudevents.
	Envelope string `yaml:"envelope"`
	// Success says which answers mean delivered; 2xx when left out.
	Success expr.ResponseCondition `yaml:"success"`
	// RetryIf is read before Success: the sink is unwell although it answered.
	RetryIf expr.ResponseCondition `yaml:"retry_if"`
	TLS     outbound.TLSFiles      `yaml:"tls"`
	// DenyPrivate refuses private addresses at dial time.
	DenyPrivate bool `yaml:"deny_private"`
}

// WithDefaults gives the configuration with what was left out.
func (c Config) WithDefaults() Config {
	c.Method = cmp.Or(c.Method, http.MethodPost)
	c.Encoding = cmp.Or(c.Encoding, encodingJSON)
	c.Envelope = cmp.Or(c.Envelope, envelopeNone)
	return c
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
	c.Headers.validate(c, under("headers", report))
	c.TLS.Validate(under("tls", report))
	if c.Auth != nil {
		c.Auth.validate(under("auth", report))
	}
	if c.Sign != nil {
		c.Sign.validate(under("sign", report))
	}
}

// validateForm checks method, encoding, body and envelope against each other.
func (c Config) validateForm(report func(path, problem string)) {
	methods := []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodGet, http.MethodDelete}
	if !slices.Contains(methods, c.Method) {
		report("method", fmt.Sprintf("%q is not one of POST, PUT, PATCH, GET, DELETE", c.Method))
	}
	if c.Encoding != encodingJSON && c.Encoding != encodingForm {
		report("encoding", fmt.Sprintf("%q is not one of json, form", c.Encoding))
	}
	if c.Encoding == encodingForm && !c.Body.IsZero() && !c.Body.IsMapping() {
		report("body", "must be a mapping of fields for encoding: form")
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
		report("envelope", fmt.Sprintf("%q is not one of none, cloudevents", c.Envelope))
	}
	if c.bodiless() && !c.Body.IsZero() {
		report("body", c.Method+" sends no body: put the values into the url, or use POST")
	}
}

func (c Config) bodiless() bool {
	return c.Method == http.MethodGet || c.Method == http.MethodDelete
}

// under prefixes the paths that a part reports.
func under(prefix string, report func(path, problem string)) func(path, problem string) {
	return func(path, problem string) {
		switch {
		case path == "":
			report(prefix, problem)
		case path[0] == '[':
			report(prefix+path, problem)
		default:
			report(prefix+"."+path, problem)
		}
	}
}
