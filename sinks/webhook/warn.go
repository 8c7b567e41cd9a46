package webhook

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// inTheClear is what a configuration is told whose credentials anybody on the
// way can read.
const inTheClear = "credentials go over plain http, where everybody on the way can read them: write https"

// Warn reports what works but is probably not meant, with the path of its key.
func (c Config) Warn(report func(path, warning string)) {
	warned := map[*Auth]bool{}
	for i, s := range c.steps() {
		below := report
		if len(c.Steps) > 0 {
			below = contract.Under(fmt.Sprintf("steps[%d]", i), report)
		}
		s.warn(c.sendsCredentials(s), below)
		if s.Auth != nil && s.Auth.OAuth2 != nil && !warned[s.Auth] && outbound.InTheClear(s.Auth.OAuth2.TokenURL.Reveal()) {
			at := below
			if s.Auth == c.Auth {
				at = report
			}
			at("auth.oauth2.token_url", inTheClear)
			warned[s.Auth] = true
		}
	}
}

// warn looks at the address of one step.
func (s Step) warn(credentials bool, report func(path, warning string)) {
	if outbound.InTheClear(s.URL.Reveal()) && credentials {
		report("url", inTheClear)
	}
	method, _ := s.fixedMethod()
	if address, err := expr.ParseURL(s.URL.Reveal()); err == nil && method == http.MethodDelete && address.BareSegments() {
		report("url", "a part of the path of this DELETE is a ${…} alone, so a value of the call says what is deleted: write what it begins with, or let a rule choose the calls")
	}
}

// sendsCredentials reports whether the request of a step carries a secret. An address
// that is read from elsewhere is one itself.
func (c Config) sendsCredentials(s Step) bool {
	return s.Auth != nil || len(s.Headers.secrets()) > 0 || len(s.Query.secrets()) > 0 || len(s.Body.secrets) > 0 ||
		c.Base.Origin() != (secret.Origin{}) || s.URL.Origin() != (secret.Origin{}) || holdsCredentials(s.URL.Reveal())
}

// holdsCredentials reports whether an address has user information, or a parameter
// whose name says that its value is secret.
func holdsCredentials(address string) bool {
	address, _, _ = strings.Cut(address, "${")
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	for name := range u.Query() {
		if telling(name) {
			return true
		}
	}
	return u.User != nil
}
