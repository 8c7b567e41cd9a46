package intake

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/secret"
)

const (
	defaultTolerance = time.Minute
	maxTolerance     = 24 * time.Hour
)

// tokenPattern is a header's name (RFC 9110).
var tokenPattern = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

// Auth is the doors of a source: exactly one kind of credentials or Open,
// and/or a list of addresses. All that are configured must hold.
type Auth struct {
	Header *NamedSecret `yaml:"header" example:"{name: token, value: {env: PLATFORM_TOKEN}}" doc:"A secret in a header of its own."`
	Query  *NamedSecret `yaml:"query" example:"{name: key, value: {env: DIALER_KEY}}" doc:"A secret in a parameter of the URL, for platforms that can do no better."`
	Basic  *Basic       `yaml:"basic" example:"{username: platform, password: {env: PLATFORM_PASSWORD}}" doc:"HTTP Basic authentication."`
	Bearer secret.List  `yaml:"bearer" example:"[{env: TOKEN_NEW}, {env: TOKEN_OLD}]" doc:"The token of Authorization: Bearer; a list while it is rotated."`
	Digest *Digest      `yaml:"digest" example:"{access_key: {env: ACCESS_KEY}, access_secret: {env: ACCESS_SECRET}}" doc:"The format's own signature over the body, made with an access key and its secret. Where keys and secrets are lists, any key goes with any secret."`
	Open   bool         `yaml:"open" example:"true" doc:"Says in so many words that anybody may post."`
	Allow  []Network    `yaml:"allow" example:"[203.0.113.0/24, 198.51.100.7]" doc:"The addresses that may post."`
}

// NamedSecret is a secret in a named place.
type NamedSecret struct {
	Name  string      `yaml:"name" jsonschema:"required" example:"token" doc:"Name of the header or the parameter."`
	Value secret.List `yaml:"value" jsonschema:"required" example:"{file: /run/secrets/token}" doc:"The secret; a list while it is rotated."`
}

// Basic is a name and its passwords.
type Basic struct {
	Username string      `yaml:"username" jsonschema:"required" example:"platform" doc:"A name without a colon."`
	Password secret.List `yaml:"password" jsonschema:"required" example:"{env: PLATFORM_PASSWORD}" doc:"The password; a list while it is rotated."`
}

// Digest is the keys of a format that signs its callbacks. Where keys and secrets are
// lists, any key goes with any secret.
type Digest struct {
	AccessKey    secret.List   `yaml:"access_key" jsonschema:"required" example:"{env: ACCESS_KEY}" doc:"The access key; a list while it is rotated."`
	AccessSecret secret.List   `yaml:"access_secret" jsonschema:"required" example:"{env: ACCESS_SECRET}" doc:"Its secret; a list while it is rotated."`
	Tolerance    time.Duration `yaml:"tolerance" example:"2m" doc:"How far the platform's clock may be from ours, up to 24h."`
}

func (a Auth) withDefaults() Auth {
	if a.Digest != nil && a.Digest.Tolerance == 0 {
		d := *a.Digest
		d.Tolerance = defaultTolerance
		a.Digest = &d
	}
	return a
}

// keys returns what the format's signature is checked with.
func (d Digest) keys() call.Keys {
	return call.Keys{Known: d.AccessKey.Equal, Secrets: d.AccessSecret.Reveal, Tolerance: d.Tolerance}
}

// kinds names the configured kinds of credentials.
func (a Auth) kinds() []string {
	var found []string
	add := func(there bool, name string) {
		if there {
			found = append(found, name)
		}
	}
	add(a.Header != nil, "header")
	add(a.Query != nil, "query")
	add(a.Basic != nil, "basic")
	add(a.Bearer != nil, "bearer")
	add(a.Digest != nil, "digest")
	add(a.Open, "open")
	return found
}

const noDoor = "nothing says who may post here: write one of header, query, basic, bearer or digest, or allow with the platform's addresses, or open: true"

const unsigned = "the format's callbacks are not signed: use another door"

func (a Auth) validate(report func(path, problem string)) {
	kinds := a.kinds()
	switch {
	case len(kinds) == 0 && a.Allow == nil:
		report("auth", noDoor)
	case len(kinds) > 1:
		report("auth."+kinds[1], "beside "+kinds[0]+" there can be no "+kinds[1]+": keep one of "+strings.Join(kinds, ", "))
	}
	if a.Allow != nil && len(a.Allow) == 0 {
		report("auth.allow", "an empty list allows nobody: write the platform's addresses or leave it out")
	}
	a.Header.validate("auth.header", report)
	if a.Header != nil && !headerName(a.Header.Name) {
		report("auth.header.name", fmt.Sprintf("%q is not a header of a request: write one that the platform sends, like token", a.Header.Name))
	}
	a.Query.validate("auth.query", report)
	if a.Query != nil && a.Query.Name == "" {
		report("auth.query.name", "is missing: write the name of the parameter in the URL, like key")
	}
	if a.Bearer != nil {
		requireSecret(a.Bearer, "auth.bearer", report)
	}
	a.Basic.validate(report)
	a.Digest.validate(report)
}

// headerName refuses Host too: net/http takes it out of the headers, so a door
// that looks for it would never open.
func headerName(name string) bool {
	return tokenPattern.MatchString(name) && !strings.EqualFold(name, "Host")
}

func (n *NamedSecret) validate(at string, report func(path, problem string)) {
	if n != nil {
		requireSecret(n.Value, at+".value", report)
	}
}

func (b *Basic) validate(report func(path, problem string)) {
	if b == nil {
		return
	}
	if b.Username == "" || strings.Contains(b.Username, ":") {
		report("auth.basic.username", fmt.Sprintf("%q is not a user name: write one without a colon", b.Username))
	}
	requireSecret(b.Password, "auth.basic.password", report)
}

func (d *Digest) validate(report func(path, problem string)) {
	if d == nil {
		return
	}
	requireSecret(d.AccessKey, "auth.digest.access_key", report)
	requireSecret(d.AccessSecret, "auth.digest.access_secret", report)
	if d.Tolerance <= 0 || d.Tolerance > maxTolerance {
		report("auth.digest.tolerance", fmt.Sprintf("%s is out of range: write 1ms to 24h, like 60s", d.Tolerance))
	}
}

func requireSecret(s secret.List, at string, report func(path, problem string)) {
	if s.Missing() {
		report(at, "a secret is missing or empty: write a text, {env: NAME}, {file: PATH} or a list of them")
	}
}
