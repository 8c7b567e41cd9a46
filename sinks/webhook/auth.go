package webhook

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// Auth is exactly one way to say who we are.
type Auth struct {
	Bearer secret.Value `yaml:"bearer" example:"{env: CRM_TOKEN}" doc:"The token for Authorization: Bearer."`
	Basic  *Basic       `yaml:"basic" example:"{username: cdrelay, password: {env: CRM_PASSWORD}}" doc:"HTTP Basic authentication."`
	OAuth2 *OAuth2      `yaml:"oauth2" example:"{token_url: \"https://login.example.com/oauth2/token\", client_id: {env: CRM_CLIENT_ID}, client_secret: {env: CRM_CLIENT_SECRET}}" doc:"Fetches access tokens: with the client's credentials, or with a refresh token where one is given."`
}

// Basic is HTTP Basic authentication. The name may be a secret: some APIs take
// their key as the name, and no password.
type Basic struct {
	Username secret.Value `yaml:"username" jsonschema:"required" example:"{env: CRM_KEY}" doc:"A name without a colon. Some APIs take their key here, and no password."`
	Password secret.Value `yaml:"password" example:"{env: CRM_PASSWORD}" doc:"The password."`
}

// OAuth2 fetches access tokens: with the client's credentials alone, or with a
// refresh token. The client's credentials go into the Authorization header, and
// where the endpoint refuses that, into the form at the next fetch.
type OAuth2 struct {
	TokenURL     secret.Value `yaml:"token_url" jsonschema:"required" example:"https://login.example.com/oauth2/token" doc:"Where tokens are fetched."`
	ClientID     secret.Value `yaml:"client_id" jsonschema:"required" example:"{env: CRM_CLIENT_ID}" doc:"The client's id."`
	ClientSecret secret.Value `yaml:"client_secret" example:"{env: CRM_CLIENT_SECRET}" doc:"Its secret; may be left out beside a refresh token."`
	Scopes       []string     `yaml:"scopes" example:"[calls.write]" doc:"What is asked for."`
	RefreshToken secret.Value `yaml:"refresh_token" example:"{env: CRM_REFRESH_TOKEN}" doc:"Selects the grant refresh_token. A new one that the endpoint hands out is kept in the spool, encrypted, until another is configured."`
	Scheme       string       `yaml:"scheme" example:"Zoho-oauthtoken" doc:"The word before the token."`
}

// withDefaults leaves the one that was given as it is.
func (a *Auth) withDefaults() *Auth {
	if a == nil || a.OAuth2 == nil || a.OAuth2.Scheme != "" {
		return a
	}
	filled, grant := *a, *a.OAuth2
	grant.Scheme = "Bearer"
	filled.OAuth2 = &grant
	return &filled
}

func (a *Auth) validate(report func(path, problem string)) {
	n := 0
	for _, set := range []bool{!a.Bearer.IsZero(), a.Basic != nil, a.OAuth2 != nil} {
		if set {
			n++
		}
	}
	if n != 1 {
		report("", fmt.Sprintf("names %d kinds of credentials: write exactly one of bearer, basic, oauth2", n))
	}
	if a.Basic != nil {
		a.Basic.validate(contract.Under("basic", report))
	}
	if a.OAuth2 != nil {
		a.OAuth2.validate(contract.Under("oauth2", report))
	}
}

func (b *Basic) validate(report func(path, problem string)) {
	switch {
	case b.Username.IsZero():
		report("username", "is missing: write the user name, or {env: NAME}")
	case strings.Contains(b.Username.Reveal(), ":"):
		report("username", "holds a colon, which HTTP Basic cannot carry: write one without")
	}
}

func (o *OAuth2) validate(report func(path, problem string)) {
	u, err := url.Parse(o.TokenURL.Reveal())
	switch {
	case o.TokenURL.IsZero():
		report("token_url", "is missing: write the address that gives out tokens")
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		report("token_url", "is not a URL: write the whole address, with https://")
	}
	if o.ClientID.IsZero() {
		report("client_id", "is missing: write it, or {env: NAME}")
	}
	if o.ClientSecret.IsZero() && o.RefreshToken.IsZero() {
		report("client_secret", "is missing: write it, or a refresh_token")
	}
	if strings.ContainsFunc(o.Scheme, notToken) {
		report("scheme", "is not an authentication scheme: write one word such as Bearer")
	}
	if slices.ContainsFunc(o.Scopes, func(s string) bool { return s == "" || strings.ContainsAny(s, " \t\r\n") }) {
		report("scopes", "holds something else than single words: write one item for each")
	}
}

// static returns the Authorization header that never changes; "" when there is none.
func (a *Auth) static() string {
	switch {
	case a == nil:
		return ""
	case a.Basic != nil:
		return "Basic " + a.Basic.encoded()
	case !a.Bearer.IsZero():
		return "Bearer " + a.Bearer.Reveal()
	default:
		return ""
	}
}

func (b *Basic) encoded() string {
	return base64.StdEncoding.EncodeToString([]byte(b.Username.Reveal() + ":" + b.Password.Reveal()))
}

// secrets is all that an answer could repeat.
func (a *Auth) secrets() []secret.Value {
	switch {
	case a == nil:
		return nil
	case a.Basic != nil:
		return []secret.Value{a.Basic.Username, a.Basic.Password, secret.New(a.Basic.encoded())}
	case a.OAuth2 != nil:
		return append(secretsOfURL(a.OAuth2.TokenURL), a.OAuth2.ClientSecret, a.OAuth2.RefreshToken)
	default:
		return []secret.Value{a.Bearer}
	}
}
