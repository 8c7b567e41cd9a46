package explain

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
)

// request gives what a sink would get.
func (e *Explainer) request(ctx context.Context, name string, record *call.Record, content call.ContentHash) Request {
	out := Request{Sink: name, MessageID: call.MessageID(record.ID, content, name)}
	sink, ok := e.sink(name)
	if !ok {
		out.Error = fmt.Sprintf("there is no sink %q", name)
		return out
	}
	transport := sink.Sink.Transport()
	transport.UserAgent = e.config.UserAgent
	out.secrets = transport.Secrets
	wire, err := preview(ctx, sink, transport, out.MessageID, record)
	if err != nil {
		out.Error = outbound.Redact(err.Error(), transport.Secrets...)
		return out
	}
	shown := transport.Shown(wire)
	out.wire = func() outbound.Wire { return wire }
	out.Method, out.URL, out.Headers, out.Body = shown.Method, shown.URL, flat(shown.Header), string(shown.Body)
	return out
}

func preview(ctx context.Context, s Sink, t outbound.Transport, id string, record *call.Record) (outbound.Wire, error) {
	request, err := s.Sink.Request(id, record)
	if err != nil {
		return outbound.Wire{}, err
	}
	return t.Preview(ctx, request)
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
