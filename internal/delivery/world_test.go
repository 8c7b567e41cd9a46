package delivery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// commit is a time in which all that lanes reported is on the disk.
const commit = 100 * time.Millisecond

// world is a real spool inside a bubble of fake time, on which lanes run.
type world struct {
	t       *testing.T
	path    string
	spool   *sqlite.Store
	metrics *Metrics
	log     safeBuffer
	lanes   []*rig
}

// bubble runs the test in one.
func bubble(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, path: filepath.Join(t.TempDir(), "spool.db"), metrics: NewMetrics()}
		w.open()
		t.Cleanup(w.close)
		f(w)
	})
}

func (w *world) logger() *slog.Logger { return loggerTo(&w.log) }

func loggerTo(b *safeBuffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

func (w *world) open() {
	w.t.Helper()
	s, err := sqlite.Open(w.t.Context(), spool.Config{Path: w.path}, sqlite.Deps{Log: slog.New(slog.DiscardHandler), Repair: repair.Tool{}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.spool = s
}

// close stops the lanes, with time for what is on its way, and the spool.
func (w *world) close() {
	w.t.Helper()
	for _, r := range slices.Clone(w.lanes) {
		r.stop(time.Minute)
	}
	w.lanes = nil
	if err := w.spool.Close(context.WithoutCancel(w.t.Context())); err != nil {
		w.t.Error(err)
	}
}

// down is a relay that is not running for that time.
func (w *world) down(d time.Duration) {
	w.t.Helper()
	w.close()
	w.sleep(d)
	w.open()
}

// sleep lets time pass, and all that is due in it be done.
func (w *world) sleep(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// rig is one lane with its client and the sink that it delivers to.
type rig struct {
	*Lane
	w      *world
	sink   *sink
	client *outbound.Client
	store  *watched
}

// setup is how a lane is made; the zero setup has no quick tries, and waits of
// half the schedule's.
type setup struct {
	Settings
	outbound.BreakerSettings
	quick   int
	timeout time.Duration
	texts   map[string]error // calls that cannot be rendered
	moving  bool             // the URL holds a template
}

// lane makes a lane that is not started.
func (w *world) lane(name string, s setup, to *sink) *rig {
	w.t.Helper()
	if err := w.spool.SetLanes(w.t.Context(), []spool.LaneConfig{{Sink: name, GiveUpAfter: defaultGiveUpAfter, LongestWait: s.WithDefaults().Retry.Longest()}}); err != nil {
		w.t.Fatal(err)
	}
	client, err := outbound.New(name, outbound.Transport{Wire: to},
		outbound.Settings{QuickTries: &s.quick, Timeout: s.timeout, Breaker: s.BreakerSettings})
	if err != nil {
		w.t.Fatal(err)
	}
	store := &watched{Store: w.spool}
	l := New(name, s.Settings, Deps{
		Store: store, Renderer: renderer{s.texts, !s.moving}, Client: client, Metrics: w.metrics, Log: w.logger(),
	})
	l.random = func() float64 { return 0.5 }
	return &rig{Lane: l, w: w, sink: to, client: client, store: store}
}

// start makes a lane and starts it.
func (w *world) start(name string, s setup, to *sink) *rig {
	w.t.Helper()
	r := w.lane(name, s, to)
	r.run()
	return r
}

func (r *rig) run() {
	r.Start(r.w.t.Context())
	r.w.lanes = append(r.w.lanes, r)
}

// stop stops the lane with that grace.
func (r *rig) stop(grace time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	r.Stop(ctx)
	r.client.Close()
	r.w.lanes = slices.DeleteFunc(r.w.lanes, func(other *rig) bool { return other == r })
}

// accept keeps calls with these keys, owed to the sink.
func (w *world) accept(sink string, keys ...string) {
	w.t.Helper()
	for _, key := range keys {
		w.push(key, "content", sink)
	}
}

// push keeps one content of a call.
func (w *world) push(key, content string, sinks ...string) {
	w.t.Helper()
	hash, err := call.HashContent([]byte(`"` + content + `"`))
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = w.spool.Accept(w.t.Context(), spool.Acceptance{
		Record: &call.Record{
			Schema: call.SchemaID, ID: "test:" + key, Source: "test", Format: "nxcc",
			Direction: "inbound", Method: "manual", Outcome: "answered", ReceivedAt: call.At(time.Now()),
		},
		Content: hash,
		Route:   func(*call.Record) ([]string, error) { return sinks, nil },
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// pause sets or ends a lane's pause.
func (w *world) pause(sink string, p spool.Pause) {
	w.t.Helper()
	if err := w.spool.SetPause(w.t.Context(), sink, p); err != nil {
		w.t.Fatal(err)
	}
}

// flood keeps n calls, many at once, so that they share commits.
func (w *world) flood(sink string, n int) {
	w.t.Helper()
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := i; j < n; j += 64 {
				w.accept(sink, fmt.Sprintf("%s-%06d", sink, j))
			}
		})
	}
	wg.Wait()
}

// status is where the newest delivery of a call to the sink stands, once all is
// on the disk.
func (w *world) status(sink, key string) spool.DeliveryStatus {
	w.t.Helper()
	detail, err := w.spool.Call(w.t.Context(), "test:"+key)
	if err != nil {
		w.t.Fatal(err)
	}
	var out spool.DeliveryStatus
	for _, d := range detail.Deliveries {
		if d.Sink == sink && d.Revision >= out.Revision {
			out = d
		}
	}
	return out
}

// isState fails the test unless the deliveries of the calls are in the state.
func (w *world) isState(sink, want string, keys ...string) {
	w.t.Helper()
	for _, key := range keys {
		if got := w.status(sink, key); got.State != want {
			w.t.Errorf("%s is %s after %d tries, want %s", key, got.State, got.Tries, want)
		}
	}
}

// letters are the dead letters of a sink, newest first.
func (w *world) letters(sink string) []spool.DeadLetter {
	w.t.Helper()
	var all []spool.DeadLetter
	for cursor := ""; ; {
		page, next, err := w.spool.SearchLetters(w.t.Context(), spool.LetterFilter{Sink: sink}, 1000, cursor)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, page...)
		if cursor = next; cursor == "" {
			return all
		}
	}
}

// waiting is how many deliveries the lane owes.
func (w *world) waiting(sink string) int64 {
	w.t.Helper()
	lanes, err := w.spool.Lanes(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, l := range lanes {
		if l.Sink == sink {
			return l.Waiting
		}
	}
	return 0
}

// isWaiting fails the test unless the lane owes that many.
func (w *world) isWaiting(sink string, want int64) {
	w.t.Helper()
	if got := w.waiting(sink); got != want {
		w.t.Errorf("%d deliveries wait for %s, want %d", got, sink, want)
	}
}

// renderer makes the requests, or fails for the calls that it names.
type renderer struct {
	fail  map[string]error
	fixed bool
}

func (r renderer) Series(messageID string, rec *call.Record, _ map[string]string) outbound.Series {
	return outbound.Single(func() (*outbound.Request, error) { return r.request(messageID, rec) })
}

func (r renderer) request(messageID string, rec *call.Record) (*outbound.Request, error) {
	if err := r.fail[strings.TrimPrefix(rec.ID, "test:")]; err != nil {
		return nil, err
	}
	return &outbound.Request{
		Method: http.MethodPost, URL: "https://sink.example.com/calls", FixedURL: r.fixed,
		Header: http.Header{"Webhook-Id": {messageID}, "Idempotency-Key": {messageID}},
		Body:   fmt.Appendf(nil, "%s/%d", strings.TrimPrefix(rec.ID, "test:"), rec.Revision),
	}, nil
}

// safeBuffer is what the lanes log.
type safeBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// count is how often a text was logged.
func (b *safeBuffer) count(text string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.b.String(), text)
}

// line is the first line that holds a text.
func (b *safeBuffer) line(text string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for line := range strings.Lines(b.b.String()) {
		if strings.Contains(line, text) {
			return line
		}
	}
	return ""
}

var errWire = errors.New("connection refused")
