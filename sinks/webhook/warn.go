package webhook

import (
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
	if c.Auth != nil && c.Auth.OAuth2 != nil && outbound.InTheClear(c.Auth.OAuth2.TokenURL.Reveal()) {
		report("auth.oauth2.token_url", inTheClear)
	}
}

// sendsCredentials reports whether a request carries a secret. An address that
// is read from elsewhere is one itself.
func (c Config) sendsCredentials() bool {
	return c.Auth != nil || len(c.Headers.secrets()) > 0 || c.URL.Origin() != (secret.Origin{})
}
