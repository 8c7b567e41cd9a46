package webhook

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// Sink makes requests of calls, to one endpoint or to the endpoints of one system.
type Sink struct {
	steps     []*step
	transport outbound.Transport
	deps      contract.Deps
	// held are the secrets that expressions read.
	held    map[string]secret.Value
	lookups *lookups
	missing *missing
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
	s := &Sink{
		deps:      d.WithDefaults(),
		held:      c.Held,
		transport: outbound.Transport{TLS: c.TLS, DenyPrivate: c.DenyPrivate, Secrets: c.secrets()},
		lookups:   newLookups(), missing: &missing{},
	}
	for _, one := range c.steps() {
		made, err := newStep(one, c.Envelope, len(c.Steps) == 0)
		if err != nil {
			return nil, fmt.Errorf("webhook.%w", err)
		}
		s.steps = append(s.steps, made)
	}
	s.connect(c)
	return s, s.authorize(c)
}

// connect tells the steps what they are to each other.
func (s *Sink) connect(c Config) {
	last, marked := -1, false
	for i, one := range c.steps() {
		if marked = marked || one.Evidence; one.When.IsZero() {
			last = i
		}
		if one.Fills == "" {
			continue
		}
		lookup := slices.IndexFunc(s.steps, func(other *step) bool { return other.name == one.Fills })
		s.steps[i].fills = lookup
		s.steps[lookup].fillable, s.steps[lookup].lastFill = true, i
	}
	if last < 0 {
		last = len(s.steps) - 1
	}
	if !marked {
		s.steps[last].evidence = true
	}
}

// authorize sets the source of access tokens of each step. Steps that have the one of
// the whole webhook share it.
func (s *Sink) authorize(c Config) error {
	sources := map[*Auth]*oauth{}
	for i, one := range c.steps() {
		if one.Auth == nil || one.Auth.OAuth2 == nil {
			continue
		}
		if sources[one.Auth] == nil {
			client, err := s.transport.HTTPClient(tokenTimeout)
			if err != nil {
				return fmt.Errorf("webhook.auth.oauth2: %w", err)
			}
			keep := s.deps.Keep
			if keep != nil && one.Auth != c.Auth {
				keep = keepOf{keep, one.Name}
			}
			sources[one.Auth] = newOAuth(*one.Auth.OAuth2, client, keep)
		}
		s.steps[i].oauth = sources[one.Auth]
	}
	return nil
}

// keepOf is the part of what a sink keeps that belongs to one step.
type keepOf struct {
	contract.Keep
	step string
}

// Get implements contract.Keep.
func (k keepOf) Get(ctx context.Context, name string) ([]byte, error) {
	return k.Keep.Get(ctx, k.step+"."+name)
}

// Put implements contract.Keep.
func (k keepOf) Put(ctx context.Context, name string, value []byte) error {
	return k.Keep.Put(ctx, k.step+"."+name, value)
}

// isPlain reports whether the sink has one request and no steps.
func (s *Sink) isPlain() bool { return s.steps[0].name == "" }

// idOf returns the message id of one step.
func (s *Sink) idOf(st *step, messageID string) string {
	if len(s.steps) == 1 {
		return messageID
	}
	return messageID + "-" + st.name
}

// Transport says how the endpoint is reached and what is secret.
func (s *Sink) Transport() outbound.Transport { return s.transport }

// Steps returns the names of the steps; none where there is one request.
func (s *Sink) Steps() (names []string) {
	for _, st := range s.steps {
		if st.name != "" {
			names = append(names, st.name)
		}
	}
	return names
}

// Inherit takes over the newest refresh tokens, and what was not found.
func (s *Sink) Inherit(before contract.Sink) {
	old, ok := before.(*Sink)
	if !ok {
		return
	}
	s.missing.inherit(old.missing)
	for _, st := range s.steps {
		for _, other := range old.steps {
			if st.oauth != nil && other.oauth != nil {
				st.oauth.inherit(other.oauth)
			}
		}
	}
}

func countOf(r expr.Result) string {
	if r.IsEmpty() {
		return contract.LookupEmpty
	}
	return contract.LookupHit
}

// counted counts what came of a lookup.
func (s *Sink) counted(st *step, result string) {
	if s.deps.Looked != nil {
		s.deps.Looked(st.name, result)
	}
}
