package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// Sink renders calls as requests to one endpoint.
type Sink struct {
	url       *expr.URL // a pointer: the URL is a secret
	query     query
	method    string
	payload   payload
	fields    []field
	fixed     []fixedHeader
	keys      keys
	oauth     *oauth
	read      func(outbound.Answer) outbound.Verdict
	transport outbound.Transport
	deps      contract.Deps
	// ofNow says that the request differs from try to try.
	ofNow bool
}

// fixedHeader is a header that does not depend on the call.
type fixedHeader struct {
	name  string
	value secret.Value
}

// New builds a sink from a valid configuration.
func New(c Config, d contract.Deps) (*Sink, error) {
	c = c.WithDefaults()
	var problems []error
	c.Validate(func(path, problem string) {
		problems = append(problems, fmt.Errorf("webhook.%s: %s", path, problem))
	})
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	address, err := expr.ParseURL(c.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("webhook.url: %w", err)
	}
	signing, err := c.Sign.keys()
	if err != nil {
		return nil, fmt.Errorf("webhook.sign: %w", err)
	}
	s := &Sink{
		url:       &address,
		query:     fieldsOf(c.Query),
		method:    c.Method,
		payload:   newPayload(c),
		fields:    c.Headers.fields(),
		keys:      signing,
		deps:      d.WithDefaults(),
		read:      c.conventions().Read,
		transport: outbound.Transport{TLS: c.TLS, DenyPrivate: c.DenyPrivate, Secrets: c.secrets()},
	}
	s.ofNow = address.DependsOnNow() || c.Body.DependsOnNow() || dependOnNow(s.query) || dependOnNow(s.fields)
	s.fixed = s.fixedHeaders(c.Auth)
	if c.Auth != nil && c.Auth.OAuth2 != nil {
		client, err := s.transport.HTTPClient(tokenTimeout)
		if err != nil {
			return nil, fmt.Errorf("webhook.auth.oauth2: %w", err)
		}
		s.oauth = newOAuth(*c.Auth.OAuth2, client, d.Keep)
	}
	return s, nil
}

func (s *Sink) fixedHeaders(a *Auth) []fixedHeader {
	var list []fixedHeader
	if s.payload.mediaType != "" {
		list = append(list, fixedHeader{"Content-Type", secret.New(s.payload.mediaType)})
	}
	if text := a.static(); text != "" {
		list = append(list, fixedHeader{"Authorization", secret.New(text)})
	}
	return list
}

// Transport says how the endpoint is reached and what is secret.
func (s *Sink) Transport() outbound.Transport { return s.transport }

// Inherit takes over the newest refresh token.
func (s *Sink) Inherit(before contract.Sink) {
	if old, ok := before.(*Sink); ok && s.oauth != nil && old.oauth != nil {
		s.oauth.inherit(old.oauth)
	}
}

// Request renders the request for one call. An error says that a template
// fails on this call.
func (s *Sink) Request(messageID string, r *call.Record) (*outbound.Request, error) {
	request, err := s.render(messageID, r, r.ReceivedAt.Time)
	if err != nil {
		return nil, err
	}
	if s.ofNow {
		contract.Fresh(request, func(at time.Time) (*outbound.Request, error) { return s.render(messageID, r, at) })
	}
	s.finish(request, messageID)
	return request, nil
}

// render renders the request for a try at a time.
func (s *Sink) render(messageID string, r *call.Record, at time.Time) (*outbound.Request, error) {
	view := expr.NewRendering(r, s.deps.Lookup, at, s.deps.MaxRequest)
	address, err := s.url.Render(view)
	if err != nil {
		return nil, fmt.Errorf("webhook url: %w", err)
	}
	if address, err = s.query.mergeInto(address, view); err != nil {
		return nil, fmt.Errorf("webhook %w", err)
	}
	body, err := s.payload.render(s.payload.tree, view)
	if err != nil {
		return nil, fmt.Errorf("webhook body: %w", err)
	}
	h := make(http.Header, len(s.fixed)+len(s.fields)+4)
	for _, one := range s.fixed {
		h.Set(one.name, one.value.Reveal())
	}
	if err := setHeaders(h, s.fields, view); err != nil {
		return nil, fmt.Errorf("webhook %w", err)
	}
	contract.Identify(h, messageID)
	return &outbound.Request{
		Method:   s.method,
		URL:      address,
		Header:   h,
		Body:     body,
		FixedURL: !s.url.DependsOnCall() && !s.query.dependsOnCall(),
		Read:     s.read,
	}, nil
}

// finish adds what must be new for each try.
func (s *Sink) finish(request *outbound.Request, messageID string) {
	if s.oauth == nil && s.keys == nil {
		return
	}
	var session *session
	if s.oauth != nil {
		session = s.oauth.session()
		request.Renew = session.renew
	}
	fresh, freshPreview := request.Prepare, request.Preview
	request.Preview = func(w *outbound.Wire) {
		if freshPreview != nil {
			freshPreview(w)
		}
		s.preview(w.Header)
	}
	body := request.Body
	request.Prepare = func(ctx context.Context, wire *http.Request) error {
		if fresh != nil {
			if err := fresh(ctx, wire); err != nil {
				return err
			}
		}
		if session != nil {
			if err := session.authorize(ctx, wire.Header); err != nil {
				return err
			}
		}
		if s.keys != nil {
			return s.sign(wire, messageID, body, fresh != nil)
		}
		return nil
	}
}

// sign signs what goes on the wire: the body as it was rendered at first, or the
// one that the try has.
func (s *Sink) sign(wire *http.Request, messageID string, body []byte, rewritten bool) error {
	if rewritten {
		body = nil
		if wire.GetBody != nil {
			again, err := wire.GetBody()
			if err != nil {
				return err
			}
			if body, err = io.ReadAll(again); err != nil {
				return err
			}
		}
	}
	s.keys.sign(wire.Header, messageID, time.Now(), body)
	return nil
}

// preview sets the headers of finish without their secrets. A signature is not
// computed: whoever may look at requests could have any message signed.
func (s *Sink) preview(h http.Header) {
	if s.oauth != nil {
		h.Set("Authorization", s.oauth.scheme+" "+outbound.Mask)
	}
	if s.keys != nil {
		h.Set(timestampHeader, strconv.FormatInt(time.Now().Unix(), 10))
		h.Set(signatureHeader, strings.TrimSpace(strings.Repeat(signatureVersion+outbound.Mask+" ", len(s.keys))))
	}
}

// secrets is all that an answer could repeat and nobody should keep.
func (c Config) secrets() []secret.Value {
	list := append(secretsOfURL(c.URL), c.Headers.secrets()...)
	list = append(list, c.Query.secrets()...)
	list = append(list, c.Body.secrets...)
	list = append(list, c.Auth.secrets()...)
	if c.Sign != nil {
		list = append(list, c.Sign.StandardWebhooks...)
	}
	return list
}

// secretsOfURL is a URL as a whole where it comes from the environment or a file. Of
// one that stands in the configuration, only the user info is secret and what its
// query has under a telling name: the rest is what errors of the endpoint speak of.
func secretsOfURL(v secret.Value) []secret.Value {
	if v.Origin() != (secret.Origin{}) {
		return []secret.Value{v}
	}
	base, given, _ := strings.Cut(v.Reveal(), "?")
	var list []secret.Value
	for pair := range strings.SplitSeq(given, "&") {
		if _, value, _ := strings.Cut(pair, "="); telling(nameOf(pair)) && !strings.Contains(value, "${") {
			list = append(list, secret.New(value))
		}
	}
	_, rest, _ := strings.Cut(base, "://")
	authority, _, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, err := url.PathUnescape(authority[:at])
		if err != nil {
			user = authority[:at]
		}
		_, password, _ := strings.Cut(user, ":")
		list = append(list, secret.New(user), secret.New(password))
	}
	return list
}
