package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// swelling makes requests of a size, and counts those that are being rendered.
type swelling struct {
	bytes     int
	now, most atomic.Int64
	rendered  atomic.Int64
}

func (r *swelling) Series(string, *call.Record, map[string]string) outbound.Series {
	return outbound.Single(r.request)
}

func (r *swelling) request() (*outbound.Request, error) {
	r.most.Store(max(r.most.Load(), r.now.Add(1)))
	time.Sleep(time.Millisecond)
	r.now.Add(-1)
	r.rendered.Add(1)
	return &outbound.Request{Body: make([]byte, r.bytes)}, nil
}

// lanesOf makes lanes that share bounds of so many bytes.
func lanesOf(bytes int64, r Renderer, names ...string) (lanes []*Lane) {
	shared := NewRequests(bytes)
	for _, name := range names {
		lanes = append(lanes, &Lane{name: name, deps: Deps{Renderer: r, Requests: shared}})
	}
	return lanes
}

// render makes the first request of a delivery.
func render(ctx context.Context, l *Lane, d *spool.Delivery) (*outbound.Request, func(), error) {
	return l.deps.Requests.render(ctx, l, d.Record, l.deps.Renderer.Series("", d.Record, nil))
}

func owed(raw int) *spool.Delivery {
	return &spool.Delivery{Record: &call.Record{Raw: make(json.RawMessage, raw)}}
}

// TestRequestsShareTheirRoom: requests that are much larger than their records wait
// for room, those of a lane that hangs leave some for the others, and one of each
// lane always goes.
func TestRequestsShareTheirRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &swelling{bytes: 1 << 20}
		lanes := lanesOf(8<<20, r, "hangs", "b", "c")
		ctx, end := context.WithCancel(t.Context())
		held := func(l *Lane, workers int) (n *atomic.Int64) {
			n = &atomic.Int64{}
			for range workers {
				go func() {
					_, done, err := render(ctx, l, owed(100))
					if err != nil {
						return
					}
					n.Add(1)
					<-ctx.Done()
					done()
				}()
			}
			time.Sleep(time.Second)
			return n
		}
		hangs, b, c := held(lanes[0], 20), held(lanes[1], 20), held(lanes[2], 20)
		if h := hangs.Load(); h != 4 || b.Load() < 2 || c.Load() < 1 {
			t.Errorf("requests held: %d of the lane that hangs, %d and %d of the others", h, b.Load(), c.Load())
		}
		if used := lanes[0].deps.Requests.room.Used(); used > 8<<20 {
			t.Errorf("requests take %d bytes of 8 MiB", used)
		}
		end()
		synctest.Wait()
		if used := lanes[0].deps.Requests.room.Used(); used != 0 {
			t.Errorf("%d bytes are charged for nothing", used)
		}
	})
}

// TestARequestThatWaitsIsMadeWhenThereIsRoom: and until then it is not in memory.
func TestARequestThatWaitsIsMadeWhenThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &swelling{bytes: 1 << 20}
		l := lanesOf(1<<20, r, "crm")[0]
		_, done, err := render(t.Context(), l, owed(100))
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			time.Sleep(time.Minute)
			done()
		}()
		begun := time.Now()
		_, again, err := render(t.Context(), l, owed(100))
		if took := time.Since(begun); err != nil || took < time.Minute || took > time.Minute+time.Second {
			t.Errorf("the second request was made after %v, error %v", took, err)
		}
		again()
		if n := r.rendered.Load(); n != 3 {
			t.Errorf("%d requests were rendered, want 3: one, and one twice", n)
		}
		blocked, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, done, _ = render(t.Context(), l, owed(100))
		defer done()
		if _, _, err := render(blocked, l, owed(100)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want that of the context", err)
		}
	})
}

// TestLargeRecordsAreRenderedOneAtATime: decoding one for an expression may take
// many times its length.
func TestLargeRecordsAreRenderedOneAtATime(t *testing.T) {
	for raw, want := range map[int]int64{1 << 20: 1, renderAtOnce / 4: 4, 1 << 10: 20} {
		synctest.Test(t, func(t *testing.T) {
			r := &swelling{bytes: 10}
			l := lanesOf(0, r, "crm")[0]
			for range 20 {
				go func() {
					if _, _, err := render(t.Context(), l, owed(raw)); err != nil {
						t.Error(err)
					}
				}()
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if got := r.most.Load(); got != want {
				t.Errorf("%d records of %d bytes were rendered at once, want %d", got, raw, want)
			}
		})
	}
}

// TestTheEndOfALaneReleasesWhatWaitsForRoom: it spends no attempt.
func TestTheEndOfALaneReleasesWhatWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &releases{}
		l := lanesOf(1<<20, &swelling{bytes: 1 << 20}, "crm")[0]
		l.deps.Store = store
		_, done, err := render(t.Context(), l, owed(100))
		if err != nil {
			t.Fatal(err)
		}
		defer done()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if v := l.attempt(ctx, job{delivery: owed(100)}); v.Meaning != outbound.Canceled || store.n != 1 {
			t.Errorf("verdict %v, %d deliveries released", v.Meaning, store.n)
		}
	})
}

// releases counts what is given back.
type releases struct {
	Store
	n int
}

func (s *releases) Release(*spool.Delivery) { s.n++ }

func (s *releases) Now() time.Time { return time.Now() }

// TestAPauseKeepsNoRecord: it may last an hour, in each lane.
func TestAPauseKeepsNoRecord(t *testing.T) {
	d := owed(1 << 20)
	d.Seq, d.Record.ID, d.History = 7, "dialer:1", spool.History{Spent: 3}
	d.Record.References.Custom = "a part of the callback"
	kept := remembered(d)
	if kept.Seq != 7 || kept.Record.ID != "dialer:1" || kept.History != d.History {
		t.Errorf("%+v is kept", kept)
	}
	if kept.Record.Raw != nil || kept.Record.References.Custom != "" {
		t.Errorf("of the callback %+v is kept", kept.Record)
	}
}
