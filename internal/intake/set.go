package intake

import (
	"errors"
	"fmt"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/route"
)

// Router decides by rules who gets a call. It is pure and quick.
type Router interface {
	Match(r *call.Record) route.Decision
}

// Source is a configured source and what its format declares.
type Source struct {
	SourceConfig
	// Dialect is the format that the configuration names.
	Dialect call.Format
}

// Config is everything that a reload may change.
type Config struct {
	Sources []Source
	Router  Router
	// Rules are the names of the router's rules, so that their series are at
	// zero before the first call.
	Rules []string
	// TrustedProxies are the peers whose X-Forwarded-For counts.
	TrustedProxies []Network
}

// set is one configuration made ready; it never changes.
type set struct {
	byPath  map[string]*source
	router  Router
	names   []string // of the rules
	rules   map[string]ruleMetrics
	proxies networks
}

// source returns the source of a path, nil where there is none. A trailing slash
// does not matter.
func (s *set) source(path string) *source {
	if src, ok := s.byPath[path]; ok {
		return src
	}
	return s.byPath[strings.TrimSuffix(path, "/")]
}

// source is one configured source made ready.
type source struct {
	name   string
	reader *Reader
	door   door
	// secretParameter is the parameter of the URL that opens the door; empty for
	// other doors.
	secretParameter string
	allow           networks // who may post; empty for all
	respond         string
	metrics         sourceMetrics
	activity        *activity
}

// newSet does all that can fail.
func newSet(c Config) (*set, error) {
	if c.Router == nil {
		return nil, errors.New("intake has no router")
	}
	s := &set{byPath: make(map[string]*source), router: c.Router, names: c.Rules, proxies: c.TrustedProxies}
	names := make(map[string]bool)
	for _, sc := range c.Sources {
		sc.SourceConfig = sc.WithDefaults()
		if names[sc.Name] {
			return nil, fmt.Errorf("source %s stands there twice", sc.Name)
		}
		names[sc.Name] = true
		src, err := newSource(sc)
		if err != nil {
			return nil, fmt.Errorf("source %s: %w", sc.Name, err)
		}
		if other, taken := s.byPath[sc.Path]; taken {
			return nil, fmt.Errorf("source %s: path %s is that of source %s", sc.Name, sc.Path, other.name)
		}
		s.byPath[sc.Path] = src
	}
	return s, nil
}

// count makes the series of the set, before its first callback.
func (s *set) count(m *metrics) {
	for _, src := range s.byPath {
		src.metrics = m.source(src.name)
	}
	s.rules = make(map[string]ruleMetrics, len(s.names))
	for _, name := range s.names {
		s.rules[name] = m.rule(name)
	}
}

func newSource(c Source) (*source, error) {
	reader, err := NewReader(c)
	if err != nil {
		return nil, err
	}
	door, err := newDoor(c.Auth, c.Dialect.Signature)
	if err != nil {
		return nil, err
	}
	src := &source{
		name:    c.Name,
		reader:  reader,
		door:    door,
		allow:   c.Auth.Allow,
		respond: c.Respond,
	}
	if c.Auth.Query != nil {
		src.secretParameter = c.Auth.Query.Name
	}
	return src, nil
}

// dropMetrics takes away the series of what the next set no longer has.
func (s *set) dropMetrics(next *set, m *metrics) {
	kept := make(map[string]bool)
	for _, src := range next.byPath {
		kept[src.name] = true
	}
	for _, src := range s.byPath {
		if !kept[src.name] {
			m.dropSource(src.name)
		}
	}
	for name := range s.rules {
		if _, still := next.rules[name]; !still {
			m.dropRule(name)
		}
	}
}
