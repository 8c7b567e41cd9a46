package dashboard_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/dashboard"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// passing is a store whose pages of calls are empty until it is told: a filter passes
// over many.
type passing struct {
	operate.Store
	done atomic.Bool
}

const further = "100000"

func (p *passing) SearchCalls(ctx context.Context, f spool.CallFilter, limit int, cursor string) (spool.CallPage, error) {
	if !p.done.Load() {
		return spool.CallPage{Next: further, Reached: time.Now()}, nil
	}
	return p.Store.SearchCalls(ctx, f, limit, cursor)
}

// TestASearchThatPassesOverManyAnswersSoon, and its page goes on where it ended; nothing
// leads back to it.
func TestASearchThatPassesOverManyAnswersSoon(t *testing.T) {
	r := newRig(t)
	r.seed()
	store := &passing{Store: r.spool}
	r.operate.Store = store
	r.deps.Operate = operate.New("page", *r.operate)
	page, err := dashboard.New(*r.deps)
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) answer {
		t.Helper()
		w := httptest.NewRecorder()
		page.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return answer{status: w.Code, body: w.Body.String()}
	}
	onward := get("/calls?agent=12").link("Look on among the older ones")
	if !strings.Contains(onward, "cursor="+further) {
		t.Fatalf("nothing leads on: %q", onward)
	}
	if a := get(onward); strings.Contains(a.link("Older"), "trail") || !strings.Contains(a.body, "data-go-on") {
		t.Errorf("%s leads back to an empty page", a.link("Older"))
	}
	store.done.Store(true)
	if a := get(onward); strings.Contains(a.body, "data-go-on") || a.ids() == "" {
		t.Errorf("what was looked for is not found: %q", a.ids())
	}
}
