package tracing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/cdrelay/cdrelay/internal/plaintext"
)

const (
	// exportTimeout bounds one export with its repeats.
	exportTimeout = 10 * time.Second
	// flushTime is what spans that wait get at the end of an Export.
	flushTime = 2 * time.Second
	// maxDetail bounds what is logged of a collector's answer.
	maxDetail = 512
)

// Tracer makes spans. The zero value and nil record nothing.
type Tracer struct {
	log     *slog.Logger
	version string
	spans   *prometheus.CounterVec
	current atomic.Pointer[Export]
	ending  sync.WaitGroup // exports that Use has replaced
}

// New gives a tracer that records nothing yet.
func New(version string, log *slog.Logger) *Tracer {
	t := &Tracer{
		log: log.With("component", "tracing"), version: version,
		spans: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cdrelay_spans_total", Help: "Spans given to the collector, by whether it took them.",
		}, []string{"result"}),
	}
	for _, r := range []string{resultExported, resultFailed} {
		t.spans.WithLabelValues(r)
	}
	return t
}

// Values of the label result.
const (
	resultExported = "exported"
	resultFailed   = "failed"
)

// Export is the way to one collector.
type Export struct {
	config Config
	wire   *http.Transport
	out    *otlptrace.Exporter
	// begun by Use:
	provider *sdk.TracerProvider
	tracer   trace.Tracer
	abort    context.CancelFunc
}

// Prepare makes what a configuration asks for and starts nothing; nil where it
// asks for nothing. The one that is in use comes back where it is the same.
func (t *Tracer) Prepare(ctx context.Context, c Config) (*Export, error) {
	if c.Endpoint == "" {
		return nil, nil
	}
	c = c.WithDefaults()
	if now := t.current.Load(); now != nil && reflect.DeepEqual(now.config, c) {
		return now, nil
	}
	address, err := c.address()
	if err != nil {
		return nil, fmt.Errorf("tracing.otlp_endpoint: %w", err)
	}
	headers := make(map[string]string, len(c.Headers))
	for name, value := range c.Headers {
		headers[name] = value.Reveal()
	}
	e := &Export{config: c, wire: &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, TLSHandshakeTimeout: exportTimeout, IdleConnTimeout: 90 * time.Second,
	}}
	e.out, err = otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(address), otlptracehttp.WithHeaders(headers),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression),
		otlptracehttp.WithHTTPClient(&http.Client{
			Transport: e.wire, Timeout: exportTimeout,
			// A redirect would carry the headers to another host.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}))
	if err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	return e, nil
}

// Use puts an Export, which may be nil, in the place of the present one. What
// waits to be exported there gets a moment more.
func (t *Tracer) Use(ctx context.Context, e *Export) {
	if e == t.current.Load() {
		return
	}
	if e != nil {
		t.begin(ctx, e)
	}
	if old := t.current.Swap(e); old != nil {
		t.ending.Go(func() { _ = old.end(context.WithoutCancel(ctx)) })
	}
}

// scope names what makes the spans.
const scope = "github.com/cdrelay/cdrelay"

// begin starts the queue of an Export.
func (t *Tracer) begin(ctx context.Context, e *Export) {
	running, abort := context.WithCancel(context.WithoutCancel(ctx))
	e.abort = abort
	about, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "cdrelay"), attribute.String("service.version", t.version)), resource.WithFromEnv())
	if err != nil {
		t.log.Warn("attributes of the environment are left out of spans", "error", err)
	}
	e.provider = sdk.NewTracerProvider(
		sdk.WithResource(about),
		sdk.WithSampler(sdk.ParentBased(sdk.TraceIDRatioBased(*e.config.SampleRatio))),
		sdk.WithBatcher(&teller{Exporter: e.out, tracer: t, running: running}, sdk.WithExportTimeout(exportTimeout)),
	)
	e.tracer = e.provider.Tracer(scope)
}

// end exports what waits, within flushTime, and ends all that was started.
func (e *Export) end(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	err := e.provider.Shutdown(ctx)
	e.abort() // what a dead collector still holds up
	e.wire.CloseIdleConnections()
	return err
}

// Shutdown exports what waits and ends; two seconds at most, and not beyond the
// context.
func (t *Tracer) Shutdown(ctx context.Context) {
	if e := t.current.Swap(nil); e != nil {
		if err := e.end(ctx); err != nil {
			t.log.Warn("spans that waited were not exported", "error", err)
		}
	}
	t.ending.Wait()
}

// recording gives the tracer to record with; nil for none.
func (t *Tracer) recording() trace.Tracer {
	if t == nil {
		return nil
	}
	if e := t.current.Load(); e != nil {
		return e.tracer
	}
	return nil
}

// Describe implements prometheus.Collector.
func (t *Tracer) Describe(ch chan<- *prometheus.Desc) { t.spans.Describe(ch) }

// Collect implements prometheus.Collector.
func (t *Tracer) Collect(ch chan<- prometheus.Metric) { t.spans.Collect(ch) }

// teller counts what the collector takes and says when that changes. It keeps
// errors from the SDK, which would write them to standard error.
type teller struct {
	*otlptrace.Exporter
	tracer  *Tracer
	running context.Context //nolint:containedctx // ends exports under way, which have contexts of the SDK
	failing bool            // the SDK exports one batch at a time
}

// ExportSpans gives a batch to the collector.
func (t *teller) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.running, cancel)() //nolint:contextcheck // it ends with the Export, too
	err := t.Exporter.ExportSpans(ctx, spans)
	log, result := t.tracer.log, resultExported
	switch {
	case err != nil:
		result = resultFailed
		if !t.failing && !errors.Is(err, context.Canceled) {
			log.Warn("the collector does not take spans; deliveries go on", "error", plaintext.Cut(err.Error(), maxDetail))
		}
	case t.failing:
		log.Info("the collector takes spans again")
	}
	t.failing = err != nil
	t.tracer.spans.WithLabelValues(result).Add(float64(len(spans)))
	return nil
}
