package tracing

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/cdrelay/cdrelay/internal/secret"
)

// Config says where spans go; the zero Config is nowhere.
type Config struct {
	Endpoint    string                  `yaml:"otlp_endpoint" default:"no spans" example:"http://localhost:4318" doc:"Address of the collector; one without a path gets /v1/traces."`
	Headers     map[string]secret.Value `yaml:"headers" example:"{Authorization: {env: OTLP_AUTHORIZATION}}" doc:"Go with every export; their values are secrets."`
	SampleRatio *float64                `yaml:"sample_ratio" example:"0.1" doc:"Part of the traces begun by cdrelay that are recorded, 0 to 1. For a trace that a callback brought, its own flag holds."`
}

// WithDefaults gives the configuration with what was left out.
func (c Config) WithDefaults() Config {
	if c.Endpoint != "" && c.SampleRatio == nil {
		c.SampleRatio = new(1.0)
	}
	return c
}

// Validate reports everything that is wrong, by the YAML path of the key.
func (c Config) Validate(report func(path, problem string)) {
	if c.Endpoint == "" && (len(c.Headers) > 0 || c.SampleRatio != nil) {
		report("otlp_endpoint", "is missing: write the address of a collector, like http://localhost:4318, or leave tracing out")
	}
	if _, err := c.address(); c.Endpoint != "" && err != nil {
		report("otlp_endpoint", err.Error())
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		if problem := headerProblem(name, c.Headers[name].Reveal()); problem != "" {
			report("headers."+name, problem)
		}
	}
	// Not turned around: NaN, which YAML can spell, must be refused too.
	if r := c.SampleRatio; r != nil && !(*r >= 0 && *r <= 1) {
		report("sample_ratio", fmt.Sprintf("%v is out of range: write 0 to 1", *r))
	}
}

// address is where spans are posted. Its errors do not hold the address.
func (c Config) address() (string, error) {
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return "", fmt.Errorf("is not the address of a collector: write http:// or https:// with a host, like http://localhost:4318")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", fmt.Errorf("holds more than host and path: put credentials into headers")
	case strings.Trim(u.Path, "/") == "":
		u.Path = "/v1/traces"
	}
	return u.String(), nil
}

func headerProblem(name, value string) string {
	switch {
	case name == "" || strings.ContainsFunc(name, func(r rune) bool {
		return r > unicode.MaxASCII || r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}):
		return fmt.Sprintf("%q is not a header name: use letters, digits and -", name)
	case slices.Contains([]string{"Content-Type", "Content-Length", "Content-Encoding", "Host"}, http.CanonicalHeaderKey(name)):
		return "is set by cdrelay itself: remove it"
	case strings.ContainsFunc(value, unicode.IsControl):
		return "holds a control character or a line break, which no header can carry: remove it"
	}
	return ""
}
