package webhook

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/cdrelay/cdrelay/internal/secret"
)

// Auth is exactly one way to say who we are.
type Auth struct {
	// Bearer is a token for `Authorization: Bearer`.
	Bearer secret.Value `yaml:"bearer"`
	Basic  *Basic       `yaml:"basic"`
	OAuth2 *OAuth2      `yaml:"oauth2"`
}

// Basic is HTTP Basic authentication. The name may be a secret: some APIs take
// their key as the name, and no password.
type Basic struct {
	Username secret.Value `yaml:"username"`
	Password secret.Value `yaml:"password"`
}

// OAuth2 fetches access tokens: with the client's credentials alone, or with a
// refresh token. The client's credentials go into the Authorization header, and
// where the endpoint refuses that, into the form from then on.
type OAuth2 struct {
	TokenURL     secret.Value `yaml:"token_url"`
	ClientID     secret.Value `yaml:"client_id"`
	ClientSecret secret.Value `yaml:"client_secret"`
	Scopes       []string     `yaml:"scopes"`
	// RefreshToken, when set, selects the grant `refresh_token`. A new one that
	// the endpoint hands out is used from then on, until the next start.
	RefreshToken secret.Value `yaml:"refresh_token"`
	// Scheme stands before the token; Bearer unless set (Zoho: Zoho-oauthtoken).
	Scheme string `yaml:"scheme"`
}

func (a *Auth) validate(report func(path, problem string)) {
	n := 0
	for _, set := range []bool{!a.Bearer.IsZero(), a.Basic != nil, a.OAuth2 != nil} {
		if set {
			n++
		}
	}
	if n != 1 {
		report("", "takes exactly one of bearer, basic, oauth2")
	}
	if strings.ContainsFunc(a.Bearer.Reveal(), unicode.IsControl) {
		report("bearer", "holds a line break or a control character, which no header can carry")
	}
	if a.Basic != nil {
		a.Basic.validate(under("basic", report))
	}
	if a.OAuth2 != nil {
		a.OAuth2.validate(under("oauth2", report))
	}
}

func (b *Basic) validate(report func(path, problem string)) {
	switch {
	case b.Username.IsZero():
		report("username", "is missing")
	case strings.Contains(b.Username.Reveal(), ":"):
		report("username", "holds a colon, which HTTP Basic cannot carry")
	}
}

func (o *OAuth2) validate(report func(path, problem string)) {
	u, err := url.Parse(o.TokenURL.Reveal())
	switch {
	case o.TokenURL.IsZero():
		report("token_url", "is missing")
	case err != nil, u.Scheme != "https" && u.Scheme != "http", u.Hostname() == "":
		report("token_url", "is not an https:// URL")
	}
	if o.ClientID.IsZero() {
		report("client_id", "is missing")
	}
	if o.ClientSecret.IsZero() && o.RefreshToken.IsZero() {
		report("client_secret", "is missing: the client credentials grant needs it")
	}
	if strings.ContainsFunc(o.Scheme, notToken) {
		report("scheme", "is not an authentication scheme: one word such as Bearer")
	}
	if slices.ContainsFunc(o.Scopes, func(s string) bool { return s == "" || strings.ContainsAny(s, " \t\r\n") }) {
		report("scopes", "is a list of single words")
	}
}

// static gives the Authorization header that never changes; "" when there is none.
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
		return []secret.Value{a.OAuth2.ClientSecret, a.OAuth2.RefreshToken}
	default:
		return []secret.Value{a.Bearer}
	}
}
