package webhook

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
)

// inTheClear is what a configuration is told whose credentials anybody on the
// way can read.
const inTheClear = "credentials go over plain http, where everybody on the way can read them: write https"

// Warn reports what works but is probably not meant, with the path of its key.
func (c Config) Warn(report func(path, warning string)) {
	if outbound.InTheClear(c.URL.Reveal()) && c.sendsCredentials() {
		report("url", inTheClear)
	}
	if address, err := expr.ParseURL(c.URL.Reveal()); err == nil && c.Method == http.MethodDelete && address.BareSegments() {
		report("url", "a part of the path of this DELETE is a ${…} alone, so a value of the call says what is deleted: write what it begins with, or let a rule choose the calls")
	}
	if c.Auth != nil && c.Auth.OAuth2 != nil && outbound.InTheClear(c.Auth.OAuth2.TokenURL.Reveal()) {
		report("auth.oauth2.token_url", inTheClear)
	}
}

// sendsCredentials reports whether a request carries a secret. An address that
// is read from elsewhere is one itself.
func (c Config) sendsCredentials() bool {
	return c.Auth != nil || len(c.Headers.secrets()) > 0 || len(c.Query.secrets()) > 0 || len(c.Body.secrets) > 0 ||
		c.URL.Origin() != (secret.Origin{}) || holdsCredentials(c.URL.Reveal())
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
