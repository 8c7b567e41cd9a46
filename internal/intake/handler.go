package intake

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/plaintext"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/tracing"
)

// Store keeps calls. A nil error means that what was given is on the disk.
type Store interface {
	Accept(ctx context.Context, a spool.Acceptance) (spool.Receipt, error)
	KeepUndecodable(ctx context.Context, u spool.Undecodable) error
}

// Deps are what a Handler works with. All are needed, except Tracer and Memory.
type Deps struct {
	Store    Store
	Log      *slog.Logger
	Now      func() time.Time
	Registry prometheus.Registerer
	// Tracer makes the spans of callbacks; nil for none.
	Tracer *tracing.Tracer
	// Memory bounds the bytes of all callbacks on their way; 48 MiB where it is 0.
	Memory int64
}

// calm is how long the store must not have refused a callback before the log
// says that it takes them again.
const calm = 2 * time.Second

// Handler answers callbacks.
type Handler struct {
	deps    Deps
	metrics *metrics
	budget  *budget
	// refused is when the store last refused a callback, in Unix nanoseconds, 0
	// for not of late: the log has the change, not each refusal, and a store
	// that refuses one callback and takes the next has not changed.
	refused atomic.Int64
	// strays limits the log of requests to unknown paths.
	strays rate.Sometimes

	closing atomic.Bool
	mu      sync.Mutex // serialises Use
	current atomic.Pointer[set]
}

// New makes a handler for the configuration and registers its metrics.
func New(c Config, d Deps) (*Handler, error) {
	d.Log = d.Log.With(slog.String("component", "intake"))
	m, err := newMetrics(d.Registry)
	if err != nil {
		return nil, err
	}
	h := &Handler{deps: d, metrics: m, budget: newBudget(d.Memory), strays: rate.Sometimes{Interval: time.Minute}}
	first, err := h.Prepare(c)
	if err != nil {
		return nil, err
	}
	h.Use(first)
	return h, nil
}

// Prepared is a configuration for Use; nothing of it can fail any more.
type Prepared struct{ set *set }

// Prepare makes a configuration ready and changes nothing.
func (h *Handler) Prepare(c Config) (Prepared, error) {
	s, err := newSet(c)
	return Prepared{s}, err
}

// Use puts a configuration in the place of the present one.
func (h *Handler) Use(p Prepared) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p.set.count(h.metrics)
	p.set.remember(h.current.Load())
	if old := h.current.Swap(p.set); old != nil {
		old.dropMetrics(p.set, h.metrics)
	}
}

// Close makes every answer from now on close its connection. Connections that
// are idle stay: their next callback is answered before they end.
func (h *Handler) Close() { h.closing.Store(true) }

// ServeHTTP answers one callback.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	now := h.deps.Now()
	set := h.current.Load()
	src := set.source(r.URL.Path)
	if src == nil {
		h.unknownPath(r.Context(), set, r)
		fault(unknownPath, http.StatusNotFound, "no callbacks are taken here").write(w, "", &h.closing)
		return
	}
	client := func() netip.Addr { return set.proxies.client(r) }
	if r.Method != http.MethodPost {
		a := fault(wrongMethod, http.StatusMethodNotAllowed, "callbacks are posted").with("Allow", http.MethodPost)
		src.activity.note(now, 0, a, client)
		a.write(w, "", &h.closing)
		return
	}
	x := exchange{Handler: h, set: set, source: src, request: r, received: now, lease: h.budget.lease(src.name)}
	defer x.lease.release()
	a := x.answer(r.Context())
	took := h.deps.Now().Sub(now)
	src.metrics.count(a.result, took)
	src.activity.note(now, took, a, client)
	a.write(w, src.respond, &h.closing)
}

// unknownPath counts a request that is no source's, and logs one a minute: a
// platform that was given a mistyped URL is silent otherwise.
func (h *Handler) unknownPath(ctx context.Context, s *set, r *http.Request) {
	h.metrics.unknown.Inc()
	h.strays.Do(func() {
		h.deps.Log.WarnContext(ctx, "requests come to a path that no source has",
			slog.String("path", call.MaskText(plaintext.Cut(r.URL.Path, maxKeptDetail))), slog.String("client", s.proxies.client(r).String()))
	})
}

// storeFailed notes a refusal of the store and returns the answer.
func (h *Handler) storeFailed(ctx context.Context, err error) answer {
	if errors.Is(err, spool.ErrShare) { // the spool reports it, and others are stored
		return busy("no more callbacks of this source can be stored until some of its calls are delivered; send this one again")
	}
	if h.refused.Swap(h.deps.Now().UnixNano()) == 0 {
		h.deps.Log.ErrorContext(ctx, "callbacks are answered 503 because the store does not take them", slog.Any("error", err))
	}
	if errors.Is(err, spool.ErrUnavailable) {
		return busy("callbacks cannot be stored at the moment; send this one again")
	}
	return busy("the callback could not be stored; send it again")
}

// storeWorked notes that the store wrote; a duplicate is no sign of that.
func (h *Handler) storeWorked(ctx context.Context) {
	at := h.refused.Load()
	since := h.deps.Now().Sub(time.Unix(0, at))
	if at == 0 || 0 <= since && since < calm { // below 0: the clock was set back
		return
	}
	if h.refused.CompareAndSwap(at, 0) {
		h.deps.Log.InfoContext(ctx, "the store takes callbacks again")
	}
}

// isEvent returns the error of an event that is not a call record.
func isEvent(err error) (*call.NotACall, bool) { return errors.AsType[*call.NotACall](err) }
