package explain

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/route"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// Source is a configured source.
type Source struct {
	Name, Format string
	// Read turns a body, as it was posted, into a record and the hash of its
	// content. Its errors are those of adapters.
	Read func(body []byte) (*call.Record, call.ContentHash, error)
}

// Sink is a configured sink.
type Sink struct {
	Name string
	Sink contract.Sink
}

// Config is what callbacks are explained by.
type Config struct {
	Sources []Source
	Rules   []route.Rule
	Sinks   []Sink
	// Lookup is for the tables that rules look into; nil where there are none.
	Lookup expr.Lookup
	// UserAgent is what requests are sent with.
	UserAgent string
}

// Explainer explains callbacks by one configuration.
type Explainer struct {
	config Config
	router *route.Router
}

// New gives an Explainer of a valid configuration.
func New(c Config) *Explainer {
	return &Explainer{config: c, router: route.New(c.Rules, c.Lookup)}
}

// Sources gives the names of the sources.
func (e *Explainer) Sources() []string {
	names := make([]string, len(e.config.Sources))
	for i, s := range e.config.Sources {
		names[i] = s.Name
	}
	return names
}

// Sinks gives the names of the sinks.
func (e *Explainer) Sinks() []string {
	names := make([]string, len(e.config.Sinks))
	for i, s := range e.config.Sinks {
		names[i] = s.Name
	}
	return names
}

// Callback is what is to be explained.
type Callback struct {
	// Source names the source that it came to.
	Source string
	// Body is the body as it was posted.
	Body []byte
	// ReceivedAt is the record's received_at; absent when zero.
	ReceivedAt time.Time
	// Revision is the record's revision; 0 is 1.
	Revision int
	// Given are results of steps, by "step" for every sink or "sink.step" for one. What
	// is not given is a placeholder.
	Given Given
}

// Given are results of steps.
type Given = contract.Given

// UnknownSource says that there is no such source.
type UnknownSource struct {
	// Name was asked for, Known are there.
	Name  string
	Known []string
}

func (u *UnknownSource) Error() string {
	if len(u.Known) == 0 {
		return fmt.Sprintf("there is no source %q: none is configured", u.Name)
	}
	return fmt.Sprintf("there is no source %q: configured are %s", u.Name, strings.Join(u.Known, ", "))
}

// Explain says what would become of a callback. The error is an *UnknownSource;
// a callback that cannot be understood is an Explanation that says so.
func (e *Explainer) Explain(ctx context.Context, c Callback) (*Explanation, error) {
	source, ok := e.source(c.Source)
	if !ok {
		return nil, &UnknownSource{Name: c.Source, Known: e.Sources()}
	}
	out := &Explanation{Result: Accepted, Source: source.Name, Format: source.Format, Rules: []Rule{}, Sinks: []string{}, Requests: []Request{}}
	record, content, err := source.read(c.Body)
	if err != nil {
		out.refuse(err)
		return out, nil
	}
	record.Revision = max(c.Revision, 1)
	record.ReceivedAt = call.At(c.ReceivedAt)
	out.Record = record
	decision := e.router.Match(record)
	out.Rules = e.rules(record, decision)
	if decision.Err != nil {
		out.Result, out.Reason = Undecodable, decision.Err.Error()
	}
	out.Sinks = append(out.Sinks, decision.Sinks...)
	for _, name := range decision.Sinks {
		out.Requests = append(out.Requests, e.requests(ctx, name, record, content, c.Given)...)
	}
	return out, nil
}

func (e *Explainer) source(name string) (Source, bool) {
	for _, s := range e.config.Sources {
		if s.Name == name {
			return s, true
		}
	}
	return Source{}, false
}

// read converts a body. A bug in an adapter is what it is to intake: a callback
// that cannot be understood.
func (s Source) read(body []byte) (record *call.Record, content call.ContentHash, err error) {
	defer func() {
		if bug := recover(); bug != nil {
			record, err = nil, call.Unreadablef("the adapter has a bug and stopped: %v", bug)
		}
	}()
	return s.Read(body)
}

// refuse notes why there is no record.
func (x *Explanation) refuse(err error) {
	x.Result, x.Reason = Undecodable, err.Error()
	if _, event := errors.AsType[*call.NotACall](err); event {
		x.Result = Ignored
	}
}
