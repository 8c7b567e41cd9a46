package tracing

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Span is one callback or one attempt. The zero Span is of no trace.
type Span struct {
	context trace.SpanContext
	// kept is the context in the form that is kept, where nothing is recorded.
	kept Context
	// otel is nil when nothing is recorded.
	otel trace.Span
}

// Callback begins the span of an authentic callback, with the trace context that
// it came with.
func (t *Tracer) Callback(ctx context.Context, parent Context, source string, received time.Time) Span {
	tracer := t.recording()
	if tracer == nil {
		return Span{kept: parent}
	}
	return begin(ctx, tracer, parent, "callback", trace.WithTimestamp(received),
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attribute.String("cdrelay.source", source)))
}

// Answered ends the span of a callback. id is that of the call, where it is one.
func (s Span) Answered(result, id string, revision, status int) {
	if s.otel == nil {
		return
	}
	s.otel.SetAttributes(attribute.String("cdrelay.result", result), attribute.Int("http.response.status_code", status))
	if id != "" {
		s.otel.SetAttributes(attribute.String("cdrelay.call_id", id), attribute.Int("cdrelay.revision", revision))
	}
	if status >= http.StatusInternalServerError {
		s.otel.SetStatus(codes.Error, result)
	}
	s.otel.End()
}

// Delivery is what the span of an attempt tells of the delivery.
type Delivery struct {
	Sink, CallID, MessageID string
	Revision                int
	// Tries is how many were made before.
	Tries int
}

// Attempt begins the span of one attempt of a call that was kept with the
// context.
func (t *Tracer) Attempt(ctx context.Context, parent Context, d Delivery) Span {
	tracer := t.recording()
	switch {
	case tracer != nil:
		return begin(ctx, tracer, parent, "deliver "+d.Sink, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
			attribute.String("cdrelay.sink", d.Sink), attribute.String("cdrelay.call_id", d.CallID),
			attribute.Int("cdrelay.revision", d.Revision), attribute.String("cdrelay.message_id", d.MessageID),
			attribute.Int("cdrelay.tries_before", d.Tries)))
	case parent == "":
		return Span{}
	}
	s := parent.span()
	if !s.IsValid() {
		return Span{}
	}
	return Span{context: sibling(s)}
}

// Step begins the span of one request of an attempt that takes several.
func (s Span) Step(ctx context.Context, name string) Span {
	if s.otel == nil {
		return s
	}
	ctx = trace.ContextWithSpan(ctx, s.otel)
	_, span := s.otel.TracerProvider().Tracer(scope).Start(ctx, "step "+name, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("cdrelay.step", name)))
	return Span{context: span.SpanContext(), otel: span}
}

// Try notes one try on the wire.
func (s Span) Try(at time.Time, took time.Duration, status int, result string) {
	if s.otel == nil {
		return
	}
	s.otel.AddEvent("try", trace.WithTimestamp(at), trace.WithAttributes(
		attribute.Int64("cdrelay.duration_ms", took.Milliseconds()), attribute.Int("http.response.status_code", status),
		attribute.String("cdrelay.result", result)))
}

// Ended ends the span of an attempt that was made. One that was not, because
// the breaker was open or the server stops, is left as it is and goes nowhere.
func (s Span) Ended(result string, delivered bool) {
	if s.otel == nil {
		return
	}
	s.otel.SetAttributes(attribute.String("cdrelay.result", result))
	if !delivered {
		s.otel.SetStatus(codes.Error, result)
	}
	s.otel.End()
}

// Context is what is kept with the call, so that attempts go on from here.
func (s Span) Context() Context {
	if s.otel == nil {
		return s.kept
	}
	return format(s.context)
}

// Inject sets the headers of a request, unless the sink's configuration has.
func (s Span) Inject(h http.Header) {
	if !s.context.IsValid() || len(h[parentHeader]) > 0 {
		return
	}
	h[parentHeader] = []string{parentOf(s.context)}
	if state := stateOf(s.context); state != "" {
		h[stateHeader] = []string{state}
	}
}

func begin(ctx context.Context, tracer trace.Tracer, parent Context, name string, opts ...trace.SpanStartOption) Span {
	if p := parent.span(); p.IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, p)
	}
	_, span := tracer.Start(ctx, name, opts...)
	return Span{context: span.SpanContext(), otel: span}
}
