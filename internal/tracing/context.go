package tracing

import (
	"encoding/binary"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// Header names in Go's spelling.
const (
	parentHeader = "Traceparent"
	stateHeader  = "Tracestate"
)

const (
	// maxState bounds the tracestate that is kept and passed on; the
	// specification asks for at least 512.
	maxState = 512
	// longEntry is the length from which an entry goes first.
	longEntry = 128
)

// Context is a trace context in the form in which it is kept: a traceparent, and
// after a blank the tracestate, if any. "" is none.
type Context string

// Incoming gives the trace context of a request, or "" where it has none that is
// valid.
func Incoming(h http.Header) Context {
	parent := h[parentHeader]
	if len(parent) != 1 {
		return "" // none, or more than there can be
	}
	return format(parse(parent[0], strings.Join(h[stateHeader], ",")))
}

// parse reads both headers. The SpanContext is not valid where traceparent is not;
// a tracestate that is not valid is left out. Of a later version than 00 the part
// is read that 00 has, as the specification says.
func parse(parent, state string) trace.SpanContext {
	parts := strings.SplitN(parent, "-", 5)
	if len(parts) < 4 || parts[0] == "00" && len(parts) > 4 {
		return trace.SpanContext{}
	}
	version, vok := hexByte(parts[0])
	flags, fok := hexByte(parts[3])
	id, terr := trace.TraceIDFromHex(parts[1])
	span, serr := trace.SpanIDFromHex(parts[2])
	if !vok || version == 0xff || !fok || terr != nil || serr != nil {
		return trace.SpanContext{}
	}
	entries, _ := trace.ParseTraceState(state)
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: id, SpanID: span, TraceState: entries, Remote: true,
		TraceFlags: trace.TraceFlags(flags) & (trace.FlagsSampled | trace.FlagsRandom),
	})
}

// hexByte reads two hexadecimal digits in small letters.
func hexByte(text string) (byte, bool) {
	n, err := strconv.ParseUint(text, 16, 8)
	return byte(n), err == nil && len(text) == 2 && text == strings.ToLower(text)
}

// span is the span that the kept context names, which is not valid for "".
func (c Context) span() trace.SpanContext {
	if c == "" {
		return trace.SpanContext{}
	}
	parent, state, _ := strings.Cut(string(c), " ")
	return parse(parent, state)
}

// format gives the kept form of a span's context.
func format(s trace.SpanContext) Context {
	if !s.IsValid() {
		return ""
	}
	text := parentOf(s)
	if state := stateOf(s); state != "" {
		text += " " + state
	}
	return Context(text)
}

// parentOf is the traceparent of a span.
func parentOf(s trace.SpanContext) string {
	return "00-" + s.TraceID().String() + "-" + s.SpanID().String() + "-" + s.TraceFlags().String()
}

// stateOf is the tracestate of a span within the bound: long entries go first,
// then those at the end, which are the oldest.
func stateOf(s trace.SpanContext) string {
	text := s.TraceState().String()
	if len(text) <= maxState {
		return text
	}
	entries := strings.Split(text, ",")
	for size := len(text); size > maxState; {
		i := slices.IndexFunc(entries, func(e string) bool { return len(e) > longEntry })
		if i < 0 {
			i = len(entries) - 1
		}
		size -= len(entries[i]) + 1
		entries = slices.Delete(entries, i, i+1)
	}
	return strings.Join(entries, ",")
}

// sibling is the context of another span of the same trace, for an attempt that
// nobody records.
func sibling(s trace.SpanContext) trace.SpanContext {
	var id trace.SpanID
	for !id.IsValid() {
		binary.BigEndian.PutUint64(id[:], rand.Uint64()) //nolint:gosec // an id needs no secrecy
	}
	return s.WithSpanID(id)
}
