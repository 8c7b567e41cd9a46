package intake

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// TestBudgetHoldsWhatArrived tells that an announced length costs nothing.
func TestBudgetHoldsWhatArrived(t *testing.T) {
	b := newBudget(0)
	for _, tt := range []struct{ size, held int64 }{
		{0, firstStep},
		{10, firstStep},
		{firstStep - 1, firstStep},
		{firstStep, 2 * firstStep},
		{100 << 10, 128 << 10},
		{maxBody, maxBody + 1},
	} {
		l := b.lease("a")
		body, err := readBounded(t.Context(), iotest.OneByteReader(zeros(tt.size)), firstStep, &l)
		if err != nil || int64(len(body)) != tt.size || l.receiving.held != tt.held {
			t.Errorf("%d bytes: read %d, hold %d, %v; want to hold %d", tt.size, len(body), l.receiving.held, err, tt.held)
		}
		l.release()
	}
}

// to posts to another source.
func to(source string) func(*http.Request) {
	return func(r *http.Request) { r.URL.Path = "/callbacks/" + source }
}

// isFree reports whether nobody holds anything of the budget.
func (b *budget) isFree() bool {
	for _, p := range []*pool{b.receiving, b.handling} {
		if !p.room.TryAcquire(p.bytes) {
			return false
		}
		p.room.Release(p.bytes)
		for _, share := range p.shares {
			if !share.TryAcquire(p.half()) {
				return false
			}
			share.Release(p.half())
		}
	}
	return true
}

func TestFullBudget(t *testing.T) {
	for name, of := range map[string]func(*budget) (room *semaphore.Weighted, bytes int64){
		"bodies come in":        func(b *budget) (*semaphore.Weighted, int64) { return b.receiving.room, b.receiving.bytes },
		"callbacks are handled": func(b *budget) (*semaphore.Weighted, int64) { return b.handling.room, b.handling.bytes },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFixture(t, open("a"))
				room, bytes := of(f.budget)
				if !room.TryAcquire(bytes) {
					t.Fatal("budget is not free")
				}
				begun := time.Now()
				res, body := f.do(t, post(callJSON("1")))
				if res.StatusCode != 503 || res.Header.Get("Retry-After") == "" || !strings.Contains(body, "being received") {
					t.Errorf("answer %d %s", res.StatusCode, body)
				}
				if waited := time.Since(begun); waited != budgetWait {
					t.Errorf("waited %v, want %v", waited, budgetWait)
				}
				go func() {
					time.Sleep(budgetWait / 2)
					room.Release(bytes)
				}()
				if res, _ := f.do(t, post(callJSON("1"))); res.StatusCode != 200 {
					t.Errorf("with room in time: %d", res.StatusCode)
				}
				if !f.budget.isFree() {
					t.Error("not all was given back")
				}
			})
		})
	}
}

func TestLeaseWaitsOnceInAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(4 * leastReceiving)
		half := b.receiving.half()
		l, other := b.lease("a"), b.lease("a")
		if err := other.receive(t.Context(), half); err != nil {
			t.Fatal(err)
		}
		var others sync.WaitGroup
		others.Go(func() {
			time.Sleep(budgetWait / 2)
			other.release()
			if err := other.receive(t.Context(), half/2); err != nil {
				t.Error(err)
			}
		})
		begun := time.Now()
		if err := l.receive(t.Context(), half/2); err != nil {
			t.Error(err)
		}
		if err := l.receive(t.Context(), 1); !errors.Is(err, errBusy) {
			t.Errorf("second wait: %v", err)
		}
		if waited := time.Since(begun); waited != budgetWait {
			t.Errorf("waited %v in all, want %v", waited, budgetWait)
		}
		others.Wait()
		l.release()
		other.release()
		if !b.isFree() {
			t.Error("not all was given back")
		}
	})
}

// TestASourceTakesAtMostHalf: whatever the callbacks of one source take, those of
// another find room at once.
func TestASourceTakesAtMostHalf(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, open("a"), open("b"))
		var greedy []lease
		for range 1000 {
			l := f.budget.lease("a")
			if !l.receiving.try(64<<10) || !l.handling.try(64<<10) {
				greedy = append(greedy, l)
				break
			}
			greedy = append(greedy, l)
		}
		begun := time.Now()
		if res, _ := f.do(t, post(callJSON("1"), to("b"))); res.StatusCode != 200 || time.Since(begun) > 0 {
			t.Errorf("a callback of another source: answer %d after %v", res.StatusCode, time.Since(begun))
		}
		if res, _ := f.do(t, post(callJSON("1"))); res.StatusCode != 503 {
			t.Errorf("one more of the greedy source: answer %d", res.StatusCode)
		}
		for _, l := range greedy {
			l.release()
		}
		if !f.budget.isFree() {
			t.Error("not all was given back")
		}
	})
}

// TestCostFollowsWhatABodyHolds: many small members take more than a long text of
// as many bytes, also where a form spells them.
func TestCostFollowsWhatABodyHolds(t *testing.T) {
	text, members := `{"id":1,"x":"`+strings.Repeat("a", 4000)+`"}`, `{"id":1`+strings.Repeat(`,"":0`, 1000)+`}`
	if plain := costOf([]byte(text)); plain < costByte*int64(len(text)) {
		t.Errorf("%d bytes of text cost %d", len(text), plain)
	}
	least := costOf([]byte(text)) + 1000*(costMember+costItem)
	for _, body := range []string{members, url.QueryEscape(members), strings.ToLower(url.QueryEscape(members))} {
		if cost := costOf([]byte(body)); cost < least {
			t.Errorf("%.20s with 1000 members costs %d, want at least %d", body, cost, least)
		}
	}
}

// TestRedeemWaitsForRoom: a kept callback takes as much memory as one that comes in,
// and one that finds no room stays what it is.
func TestRedeemWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, open("a"))
		kept := Kept{Source: "a", Body: []byte(callJSON("1")), ReceivedAt: now, Letter: "01"}
		room := f.budget.handling
		if !room.room.TryAcquire(room.bytes) {
			t.Fatal("budget is not free")
		}
		if _, err := f.Redeem(t.Context(), kept); !errors.Is(err, spool.ErrUnavailable) {
			t.Errorf("error %v, want one that ends the replay", err)
		}
		room.room.Release(room.bytes)
		if r, err := f.Redeem(t.Context(), kept); err != nil || r.ID == "" {
			t.Errorf("with room: %+v, %v", r, err)
		}
		if !f.budget.isFree() {
			t.Error("not all was given back")
		}
	})
}
