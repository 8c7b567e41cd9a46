// Package tracing carries W3C trace context from a callback to the deliveries
// that it leads to, and gives spans to a collector where one is configured.
//
// It guarantees:
//
//   - a valid traceparent of a callback is kept with its call, and every attempt
//     passes it on: the same trace id, a span id of its own, the same sampled
//     flag. One that is not valid counts as none. tracestate goes with it, cut to
//     512 bytes as the specification says;
//   - without a collector nothing is recorded and nothing is sent, and an attempt
//     of a call without trace context costs no allocation;
//   - with a collector, a callback is a span, the child of its sender's or the
//     root of a new trace, and each attempt is a child of it. The sender's
//     decision to sample holds; new traces are sampled by sample_ratio;
//   - spans hold ids, names, results and statuses: no number of a call, no text of
//     a sink's answer, no secret;
//   - a collector that is slow or down delays nothing: spans wait in a bounded
//     queue and are dropped when it is full. The log says once that the collector
//     takes none, and once that it does again.
//
// A Tracer may be used by many goroutines, and so may its nil, which records
// nothing and passes trace context on all the same. A Span belongs to one
// goroutine. Use and Shutdown are called by one goroutine at a time.
//
// Spans go out as OTLP over HTTP, through the SDK of OpenTelemetry, which also
// reads its own environment variables (OTEL_SERVICE_NAME,
// OTEL_RESOURCE_ATTRIBUTES, OTEL_BSP_…) for what the configuration does not say.
// The package sets nothing global of it.
package tracing
