package explain

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// requests returns what a sink would get, one request for each step.
func (e *Explainer) requests(ctx context.Context, name string, record *call.Record, content call.ContentHash, given contract.Given) []Request {
	out := Request{Sink: name, MessageID: call.MessageID(record.ID, content, name)}
	sink, ok := e.sink(name)
	if !ok {
		out.Error = fmt.Sprintf("there is no sink %q", name)
		return []Request{out}
	}
	transport := sink.Sink.Transport()
	transport.UserAgent = e.config.UserAgent
	out.secrets = transport.Secrets
	var all []Request
	for _, p := range sink.Sink.Preview(out.MessageID, record, givenTo(name, given)) {
		all = append(all, out.of(ctx, transport, p))
	}
	return all
}

// of returns the request of one step.
func (r Request) of(ctx context.Context, transport outbound.Transport, p contract.Preview) Request {
	r.Step, r.Skipped = p.Step, p.Skipped
	if p.Err == nil && p.Request == nil {
		return r
	}
	var wire outbound.Wire
	err := p.Err
	if err == nil {
		wire, err = transport.Preview(ctx, p.Request)
	}
	if err != nil {
		r.Error = outbound.Redact(err.Error(), transport.Secrets...)
		return r
	}
	shown := transport.Shown(wire)
	r.wire = func() outbound.Wire { return wire }
	r.Method, r.URL, r.Headers, r.Body = shown.Method, shown.URL, flat(shown.Header), string(shown.Body)
	return r
}

// givenTo returns the results that are given to one sink: those under the name of the
// step alone, and before them those under "sink.step".
func givenTo(sink string, all contract.Given) contract.Given {
	pick := func(from map[string]string) map[string]string {
		out := map[string]string{}
		for name, value := range from {
			if !strings.Contains(name, ".") {
				out[name] = value
			}
		}
		for name, value := range from {
			if step, own := strings.CutPrefix(name, sink+"."); own {
				out[step] = value
			}
		}
		return out
	}
	return contract.Given{Results: pick(all.Results), Remembered: pick(all.Remembered)}
}

// Steps returns the steps of all sinks as "sink.step".
func (e *Explainer) Steps() (names []string) {
	for _, s := range e.config.Sinks {
		for _, step := range s.Sink.Steps() {
			names = append(names, s.Name+"."+step)
		}
	}
	return names
}

// CheckGiven returns an error where a result is given to a step that no sink has.
func (e *Explainer) CheckGiven(given contract.Given) error {
	names := e.Steps()
	for _, results := range []map[string]string{given.Results, given.Remembered} {
		for _, name := range slices.Sorted(maps.Keys(results)) {
			if !slices.ContainsFunc(names, func(full string) bool { return full == name || strings.HasSuffix(full, "."+name) }) {
				return UnknownStep(name, names)
			}
		}
	}
	return nil
}

// UnknownStep says that there is no such step among those that there are.
func UnknownStep(name string, names []string) error {
	if len(names) == 0 {
		return fmt.Errorf("there is no step %q: no sink has steps", name)
	}
	return fmt.Errorf("there is no step %q: there are %s", name, strings.Join(names, ", "))
}

func (e *Explainer) sink(name string) (Sink, bool) {
	for _, s := range e.config.Sinks {
		if s.Name == name {
			return s, true
		}
	}
	return Sink{}, false
}

// flat joins the values of each header, as HTTP allows.
func flat(h http.Header) map[string]string {
	out := make(map[string]string, len(h))
	for name, values := range h {
		out[name] = strings.Join(values, ", ")
	}
	return out
}
