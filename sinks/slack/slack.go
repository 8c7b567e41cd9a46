package slack

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/plainjson"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// Sink renders calls as messages to one channel.
type Sink struct {
	url       secret.Value
	header    []header
	channel   string
	text      expr.Text
	blocks    Blocks
	read      func(outbound.Answer) outbound.Verdict
	transport outbound.Transport
	deps      contract.Deps
	// ofNow says that the message differs from try to try.
	ofNow bool
}

// header is one that every request carries; its value may hold the token.
type header struct {
	name  string
	value secret.Value
}

// New builds a sink from a valid configuration.
func New(c Config, d contract.Deps) (*Sink, error) {
	c = c.WithDefaults()
	var problems []error
	c.Validate(func(path, problem string) {
		problems = append(problems, fmt.Errorf("slack.%s: %s", path, problem))
	})
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	s := &Sink{
		url:       c.WebhookURL,
		text:      c.Text,
		blocks:    c.Blocks,
		read:      readWebhook,
		deps:      d.WithDefaults(),
		ofNow:     c.Text.DependsOnNow() || c.Blocks.tree.DependsOnNow(),
		transport: outbound.Transport{TLS: c.TLS, Secrets: []secret.Value{c.WebhookURL, c.Token}},
		header:    []header{{"Content-Type", secret.New("application/json; charset=utf-8")}},
	}
	if !c.Token.IsZero() {
		s.url, s.channel, s.read = secret.New(c.APIURL), c.Channel, readAPI
		s.header = append(s.header, header{"Authorization", secret.New("Bearer " + c.Token.Reveal())})
	}
	return s, nil
}

// Transport says how the sink is reached and what is secret.
func (s *Sink) Transport() outbound.Transport { return s.transport }

// Inherit has nothing to take over.
func (s *Sink) Inherit(contract.Sink) {}

// Steps returns none: a message is one request.
func (s *Sink) Steps() []string { return nil }

// Missing returns nothing: nothing is looked up.
func (s *Sink) Missing() []contract.Missing { return nil }

// Series returns the one request of a message.
func (s *Sink) Series(messageID string, r *call.Record, _ map[string]string) outbound.Series {
	return outbound.Single(func() (*outbound.Request, error) { return s.request(messageID, r) })
}

// Preview renders the message.
func (s *Sink) Preview(messageID string, r *call.Record, _ contract.Given) []contract.Preview {
	request, err := s.request(messageID, r)
	return []contract.Preview{{Request: request, Err: err}}
}

// request renders the message for one call. An error says that a template
// fails on this call.
func (s *Sink) request(messageID string, r *call.Record) (*outbound.Request, error) {
	request, err := s.render(messageID, r, r.ReceivedAt.Time)
	if err == nil && s.ofNow {
		contract.Fresh(request, func(at time.Time) (*outbound.Request, error) { return s.render(messageID, r, at) })
	}
	return request, err
}

// render renders the message for a try at a time.
func (s *Sink) render(messageID string, r *call.Record, at time.Time) (*outbound.Request, error) {
	body, err := s.body(r, at)
	if err != nil {
		return nil, err
	}
	h := make(http.Header, len(s.header)+2)
	for _, one := range s.header {
		h.Set(one.name, one.value.Reveal())
	}
	contract.Identify(h, messageID)
	return &outbound.Request{
		Method:   http.MethodPost,
		URL:      s.url.Reveal(),
		Header:   h,
		Body:     body,
		FixedURL: true,
		Withheld: s.deps.Shadow,
		Read:     s.read,
	}, nil
}

// message is the body of both ways to post.
type message struct {
	Channel     string `json:"channel,omitempty"`
	Text        string `json:"text"`
	Blocks      []any  `json:"blocks,omitempty"`
	UnfurlLinks bool   `json:"unfurl_links"`
	UnfurlMedia bool   `json:"unfurl_media"`
}

func (s *Sink) body(r *call.Record, at time.Time) ([]byte, error) {
	m := message{Channel: s.channel}
	view := expr.NewRendering(r, expr.Rendering{Lookup: s.deps.Lookup, Now: at, Budget: expr.NewBudget(s.deps.MaxRequest)})
	var err error
	if m.Blocks, err = s.renderBlocks(view); err != nil {
		return nil, fmt.Errorf("slack blocks: %w", err)
	}
	if m.Text, err = s.renderText(view); err != nil {
		return nil, fmt.Errorf("slack text: %w", err)
	}
	return plainjson.Marshal(m)
}

// renderBlocks returns the configured blocks; none beside a configured text; else
// the default summary.
func (s *Sink) renderBlocks(v *expr.View) ([]any, error) {
	switch {
	case !s.blocks.IsZero():
		blocks, err := s.blocks.render(v)
		return fit(blocks), err
	case !s.text.IsZero():
		return nil, nil
	default:
		return fit(summary(v.Record())), nil
	}
}

// renderText returns the configured text, or the headline, which notifications
// show and which stands in for blocks that had nothing to say.
func (s *Sink) renderText(v *expr.View) (string, error) {
	text, err := s.text.StringFunc(v, expr.EscapeSlack)
	if blank(text) {
		text = headline(v.Record())
	}
	return shorten(linked(text), maxMessageText), err
}

// decode reads a JSON list and keeps numbers as they are spelled.
func decode(text []byte) ([]any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var list []any
	err := dec.Decode(&list)
	return list, err
}
