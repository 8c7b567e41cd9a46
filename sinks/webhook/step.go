package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// step is one request, ready to render. It is immutable but for its rate and its
// access token.
type step struct {
	name    string // empty for that of the short form
	when    expr.Guard
	url     *expr.URL // a pointer: the URL is a secret
	query   query
	method  method
	payload payload
	fields  []field
	fixed   []fixedHeader
	keys    keys
	oauth   *oauth
	read    func(outbound.Answer) outbound.Verdict
	// ofNow: the request differs from try to try.
	ofNow bool

	result   expr.ResponseResult
	remember bool
	// lookup: the step only asks; cache is how long its results are kept.
	lookup bool
	cache  time.Duration
	// reads are the steps whose results the request has.
	reads []string
	// fills is the index of the lookup that the step fills, -1 for none; fillable and
	// lastFill are what a lookup knows of those that fill it.
	fills    int
	fillable bool
	lastFill int
	// evidence: a success shows that the sink is well.
	evidence bool
	rate     *rate.Limiter // nil for no bound
	asks     expr.Subject
}

// fixedHeader is a header that does not depend on the call.
type fixedHeader struct {
	name  string
	value secret.Value
}

// newStep makes a step of a valid configuration, but for what others say of it.
func newStep(c Step, envelope string, whole bool) (*step, error) {
	address, err := expr.ParseURL(c.URL.Reveal())
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	signing, err := c.Sign.keys()
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	s := &step{
		name: c.Name, when: c.When, url: &address, query: fieldsOf(c.Query), method: newMethod(c.Request),
		payload: newPayload(c.Request, envelope, whole), fields: c.Headers.fields(), keys: signing,
		read: c.conventions().Read, ofNow: c.dependsOnNow(), result: c.Result, remember: c.Remember,
		lookup: c.isLookup(), reads: c.reads(), fills: -1, lastFill: -1, evidence: c.Evidence, rate: c.Rate.Limiter(), asks: c.subject(),
	}
	if c.Cache != nil {
		s.cache = *c.Cache
	}
	if text := c.Auth.static(); text != "" {
		s.fixed = append(s.fixed, fixedHeader{"Authorization", secret.New(text)})
	}
	return s, nil
}

// subject returns what of a call the request asks for.
func (s Step) subject() expr.Subject {
	all := s.Body.Subject()
	if address, err := expr.ParseURL(s.URL.Reveal()); err == nil {
		all |= address.Subject()
	}
	for _, f := range fieldsOf(s.Query) {
		if f.value.template != nil {
			all |= f.value.template.Subject()
		}
	}
	return all
}

// reads returns the steps whose results the request has.
func (s Step) reads() (names []string) {
	all := slices.Concat(s.Body.Uses(), s.Method.Uses())
	if address, err := expr.ParseURL(s.URL.Reveal()); err == nil {
		all = append(all, address.Uses()...)
	}
	for _, f := range append(s.Headers.fields(), fieldsOf(s.Query)...) {
		all = append(all, f.value.uses()...)
	}
	for _, u := range all {
		if u.Variable == "steps" {
			names = append(names, u.Step)
		}
	}
	return names
}

// method is a template of a method.
type method struct {
	fixed    string
	template expr.Text
}

func newMethod(r Request) method {
	if text, fixed := r.fixedMethod(); fixed {
		return method{fixed: text}
	}
	return method{template: r.Method}
}

func (m method) render(v *expr.View) (string, error) {
	if m.fixed != "" {
		return m.fixed, nil
	}
	text, err := m.template.String(v)
	if err == nil && !slices.Contains(methods(), text) {
		err = fmt.Errorf("%q is not a method: POST, PUT, PATCH, GET or DELETE is expected", text)
	}
	return text, err
}

// wrap says of an error which step it is of.
func (s *step) wrap(err error) error {
	switch {
	case err == nil:
		return nil
	case s.name == "":
		return fmt.Errorf("webhook %w", err)
	default:
		return fmt.Errorf("webhook step %s: %w", s.name, err)
	}
}

// request renders the request over a view; again makes the view of a later try.
func (s *step) request(id string, view *expr.View, again func(at time.Time) *expr.View) (*outbound.Request, error) {
	request, err := s.render(id, view)
	if err != nil {
		return nil, err
	}
	if s.ofNow {
		contract.Fresh(request, func(at time.Time) (*outbound.Request, error) { return s.render(id, again(at)) })
	}
	s.finish(request, id)
	request.Name, request.Incidental = s.name, !s.evidence
	return request, nil
}

func (s *step) render(id string, view *expr.View) (*outbound.Request, error) {
	verb, err := s.method.render(view)
	if err != nil {
		return nil, fmt.Errorf("method: %w", err)
	}
	address, err := s.url.Render(view)
	if err != nil {
		return nil, fmt.Errorf("url: %w", err)
	}
	if address, err = s.query.mergeInto(address, view); err != nil {
		return nil, err
	}
	h := make(http.Header, len(s.fixed)+len(s.fields)+5)
	var body []byte
	if !bodiless(verb) {
		var mediaType string
		if body, mediaType, err = s.payload.render(view); err != nil {
			return nil, fmt.Errorf("body: %w", err)
		}
		if mediaType != "" {
			h.Set("Content-Type", mediaType)
		}
	}
	for _, one := range s.fixed {
		h.Set(one.name, one.value.Reveal())
	}
	if err := setHeaders(h, s.fields, view); err != nil {
		return nil, err
	}
	contract.Identify(h, id)
	return &outbound.Request{
		Method:   verb,
		URL:      address,
		Header:   h,
		Body:     body,
		Hidden:   view.Hidden(),
		FixedURL: !s.url.DependsOnCall() && !s.query.dependsOnCall(),
		Read:     s.read,
	}, nil
}

// maxRemembered bounds what a step remembers.
const maxRemembered = 256

// take takes the result from an answer that delivers.
func (s *step) take(a outbound.Answer) (expr.Result, error) {
	if a.Unread != "" {
		return expr.Result{}, errors.New("it cannot be taken, because " + a.Unread)
	}
	result, err := s.result.Of(response(a))
	if err != nil || !s.remember {
		return result, err
	}
	switch text, ok := result.Text(); {
	case !ok:
		return expr.Result{}, errors.New("it is remembered, and is neither a text nor a number")
	case len(text) > maxRemembered:
		return expr.Result{}, fmt.Errorf("it is remembered, and is longer than %d bytes", maxRemembered)
	}
	return result, nil
}

// placeholder replaces the result of a step that was not made.
func placeholder(s *step) expr.Result {
	if s.result.IsZero() {
		return expr.Result{}
	}
	return expr.TextResult("steps." + s.name)
}

// unshown replaces the request of a step that needs what an earlier one would have
// been answered.
func unshown(s *step, err error) *outbound.Request {
	return &outbound.Request{
		Name: s.name, Withheld: true, Body: []byte("not known without the answer to a step that was not sent: " + err.Error()),
	}
}

// finish adds what must be new for each try.
func (s *step) finish(request *outbound.Request, messageID string) {
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
func (s *step) sign(wire *http.Request, messageID string, body []byte, rewritten bool) error {
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
func (s *step) preview(h http.Header) {
	if s.oauth != nil {
		h.Set("Authorization", s.oauth.scheme+" "+outbound.Mask)
	}
	if s.keys != nil {
		h.Set(timestampHeader, strconv.FormatInt(time.Now().Unix(), 10))
		h.Set(signatureHeader, strings.TrimSpace(strings.Repeat(signatureVersion+outbound.Mask+" ", len(s.keys))))
	}
}
