package admin

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestAnswersAreMadeAFewAtATime: reading bounds itself, an explanation goes alone,
// and changes wait for neither.
func TestAnswersAreMadeAFewAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := map[string]int{}, map[string]int{}
		h := bounded(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			step := func(n int) {
				mu.Lock()
				defer mu.Unlock()
				now[r.URL.Path] += n
				most[r.URL.Path] = max(most[r.URL.Path], now[r.URL.Path])
				if now["/api/v1/explain"] > 0 && now["/calls"] > 0 {
					t.Error("an explanation was made beside other answers")
				}
			}
			step(1)
			time.Sleep(time.Second)
			step(-1)
		}))
		ask := func(method, path string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(method, path, http.NoBody))
			return w
		}
		var asking sync.WaitGroup
		for range 10 {
			asking.Go(func() { ask(http.MethodGet, "/calls") })
			asking.Go(func() { ask(http.MethodPost, "/api/v1/sinks/crm/pause") })
		}
		for range 2 {
			asking.Go(func() { ask(http.MethodPost, "/api/v1/explain") })
		}
		asking.Wait()
		if most["/calls"] != readPlaces || most["/api/v1/explain"] != 1 || most["/api/v1/sinks/crm/pause"] != 10 {
			t.Errorf("at once were answered: %v", most)
		}
	})
}

// TestAnAnswerThatFindsNoPlaceIsRefused: a request does not wait for ever.
func TestAnAnswerThatFindsNoPlaceIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := bounded(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Hour) }))
		var asking sync.WaitGroup
		for range readPlaces {
			asking.Go(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", http.NoBody)) })
		}
		synctest.Wait()
		w, begun := httptest.NewRecorder(), time.Now()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || time.Since(begun) != placePatience {
			t.Errorf("answer %d after %v", w.Code, time.Since(begun))
		}
		asking.Wait()
	})
}
