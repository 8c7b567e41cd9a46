package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// grant fetches one token by one request, with the client's credentials where the
// style says. What it holds is secret and lies behind a func.
type grant func(context.Context, oauth2.AuthStyle) (*oauth2.Token, error)

func clientCredentials(c OAuth2) grant {
	return func(ctx context.Context, style oauth2.AuthStyle) (*oauth2.Token, error) {
		config := &clientcredentials.Config{
			ClientID:     c.ClientID.Reveal(),
			ClientSecret: c.ClientSecret.Reveal(),
			TokenURL:     c.TokenURL.Reveal(),
			Scopes:       c.Scopes,
			AuthStyle:    style,
		}
		return config.Token(ctx)
	}
}

// refresh uses the newest refresh token that the endpoint gave.
func (o *oauth) refresh(ctx context.Context, style oauth2.AuthStyle) (*oauth2.Token, error) {
	c := o.vault.config
	config := &oauth2.Config{
		ClientID:     c.ClientID.Reveal(),
		ClientSecret: c.ClientSecret.Reveal(),
		Endpoint:     oauth2.Endpoint{TokenURL: c.TokenURL.Reveal(), AuthStyle: style},
		Scopes:       c.Scopes,
	}
	return o.rotation.use(ctx, o.vault, func(refreshToken string) (*oauth2.Token, error) {
		return config.TokenSource(ctx, &oauth2.Token{RefreshToken: refreshToken}).Token()
	})
}

// alternating puts the client's credentials into the Authorization header, and
// after a refusal into the form, until one of the two succeeds. The library would
// ask twice at once, whatever went wrong the first time.
func alternating(fetch grant) func(context.Context) (*oauth2.Token, error) {
	var mu sync.Mutex // guards style and settled
	style, settled := oauth2.AuthStyleInHeader, false
	return func(ctx context.Context) (*oauth2.Token, error) {
		mu.Lock()
		defer mu.Unlock()
		token, err := fetch(ctx, style)
		_, refused := errors.AsType[*oauth2.RetrieveError](err)
		switch {
		case err == nil:
			settled = true
		case refused && !settled && style == oauth2.AuthStyleInHeader:
			style = oauth2.AuthStyleInParams
		case refused && !settled:
			style = oauth2.AuthStyleInHeader
		}
		return token, err
	}
}

// oauth authorizes the requests of one sink.
type oauth struct {
	tokens   *tokens
	scheme   string
	vault    vault
	rotation *rotation // nil without a refresh token
}

func newOAuth(c OAuth2, client *http.Client, keep contract.Keep) *oauth {
	o := &oauth{scheme: c.Scheme, vault: vault{c, keep}}
	fetch := alternating(clientCredentials(c))
	if !c.RefreshToken.IsZero() {
		o.rotation = &rotation{newest: c.RefreshToken.Reveal()}
		fetch = alternating(o.refresh)
	}
	tolerant := *client
	tolerant.Transport = tokenAnswers{client.Transport}
	o.tokens = &tokens{fetch: func(ctx context.Context) (*oauth2.Token, error) {
		token, err := fetch(context.WithValue(ctx, oauth2.HTTPClient, &tolerant))
		if err == nil && !httpguts.ValidHeaderFieldValue(token.AccessToken) {
			return nil, problem(outbound.Credentials, "token endpoint: the access token holds a control character")
		}
		return token, tokenProblem(err)
	}}
	return o
}

// tokenProblem says what the token endpoint's failure means, in words that hold
// nothing of what was sent or answered but the endpoint's own error code. It is
// never a fault of the call.
func tokenProblem(err error) error {
	var refused *oauth2.RetrieveError
	var network *url.Error
	var known *outbound.Failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.As(err, &refused) && refused.Response != nil:
		return refusal(refused)
	case errors.As(err, &network) && network.Timeout():
		return problem(outbound.Timeout, "token endpoint: no answer in time")
	case errors.As(err, &network):
		return problem(outbound.Connect, "token endpoint: no connection")
	default:
		return problem(outbound.Credentials, "token endpoint: the answer holds no access token")
	}
}

// refusal reads the answer by the common table; what would be a wrong request
// there is wrong credentials here.
func refusal(e *oauth2.RetrieveError) error {
	text := fmt.Sprintf("token endpoint: status %d", e.Response.StatusCode)
	if wellKnown(e.ErrorCode) {
		text += ", " + e.ErrorCode
	}
	f := problem(outbound.Credentials, text)
	v := outbound.Standard(outbound.Answer{Status: e.Response.StatusCode, Header: e.Response.Header, FixedURL: true})
	if v.Meaning == outbound.Unwell || v.Meaning == outbound.Paused {
		f.Meaning, f.Wait = v.Meaning, v.Wait
	}
	return f
}

func problem(m outbound.Meaning, text string) *outbound.Failure {
	return &outbound.Failure{Meaning: m, Err: errors.New(text)}
}

// wellKnown are the error codes of RFC 6749 and Zoho's; anything else that
// stands in their place could repeat a secret.
func wellKnown(code string) bool {
	return slices.Contains([]string{
		"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client",
		"unsupported_grant_type", "invalid_scope", "access_denied", "temporarily_unavailable",
		"server_error", "invalid_code", "invalid_client_secret",
	}, code)
}

// session is the use of tokens by one request: it knows which token the last
// try carried.
type session struct {
	oauth *oauth

	mu   sync.Mutex // guards used
	used string
}

func (o *oauth) session() *session { return &session{oauth: o} }

func (s *session) authorize(ctx context.Context, h http.Header) error {
	token, err := s.oauth.tokens.get(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used = token
	h.Set("Authorization", s.oauth.scheme+" "+token)
	return nil
}

func (s *session) token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// renew answers a 401 with a new token, when one can be had.
func (s *session) renew(a outbound.Answer) bool {
	return a.Status == http.StatusUnauthorized && s.oauth.tokens.renew(s.token())
}
