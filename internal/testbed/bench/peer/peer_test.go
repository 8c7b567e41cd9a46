package peer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/testbed/bench/peer"
)

// body is a callback whose call can be numbered.
func body(tb testing.TB, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "body.json")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

const callback = `{"callId":"` + peer.Mark + `0000000000","direction":1}`

func volley(tb testing.TB, address string, paths ...string) peer.Volley {
	tb.Helper()
	return peer.Volley{Address: address, Paths: paths, BodyFile: body(tb, callback), Connections: 4, First: 7, Seconds: 0.05}
}

func serveSink(tb testing.TB) (*peer.Sink, string) {
	tb.Helper()
	var config net.ListenConfig
	l, err := config.Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	sink, served := peer.NewSink(), make(chan error, 1)
	go func() { served <- sink.Serve(l) }()
	tb.Cleanup(func() {
		if err := l.Close(); err != nil {
			tb.Error(err)
		}
		if err := <-served; err != nil {
			tb.Error(err)
		}
	})
	return sink, l.Addr().String()
}

func TestEveryCallOfAVolleyArrivesOnEachPath(t *testing.T) {
	sink, address := serveSink(t)
	posted, err := peer.Fire(t.Context(), volley(t, address, "/0", "/1", "/2"))
	if err != nil {
		t.Fatal(err)
	}
	if posted.Calls == 0 || len(posted.Others) > 0 || posted.P50 > posted.Max {
		t.Errorf("%+v", posted)
	}
	arrived := sink.Await(t.Context(), posted.Answered, time.Minute)
	if arrived.Calls != posted.Answered || arrived.Requests != posted.Answered || arrived.First < posted.Began || arrived.Last < arrived.First {
		t.Errorf("%+v posted, %+v arrived", posted, arrived)
	}
	// The same numbers once more are requests, but no calls.
	again, err := peer.Fire(t.Context(), peer.Volley{
		Address: address, Paths: []string{"/0"}, BodyFile: body(t, callback), Connections: 1, First: 7, Seconds: 0,
	})
	if err != nil {
		t.Fatal(err)
	}
	if after := sink.Await(t.Context(), 0, 0); again.Answered > posted.Calls || after.Calls != arrived.Calls || after.Requests != arrived.Requests+again.Answered {
		t.Errorf("%+v posted again, %+v arrived", again, after)
	}
}

func TestRivals(t *testing.T) {
	sink, address := serveSink(t)
	target, err := url.Parse("http://" + address)
	if err != nil {
		t.Fatal(err)
	}
	proxy, bare := httptest.NewServer(peer.Proxy(target, 8)), httptest.NewServer(peer.Bare())
	defer proxy.Close()
	defer bare.Close()
	posted, err := peer.Fire(t.Context(), volley(t, strings.TrimPrefix(proxy.URL, "http://"), "/0"))
	if err != nil || len(posted.Others) > 0 {
		t.Fatalf("%+v %v", posted, err)
	}
	if arrived := sink.Await(t.Context(), posted.Calls, time.Minute); arrived.Calls != posted.Calls || posted.Calls == 0 {
		t.Errorf("%+v posted, %+v arrived", posted, arrived)
	}
	if posted, err = peer.Fire(t.Context(), volley(t, strings.TrimPrefix(bare.URL, "http://"), "/")); err != nil || posted.Answered == 0 {
		t.Errorf("%+v %v", posted, err)
	}
	broken := volley(t, strings.TrimPrefix(bare.URL, "http://"), "/")
	broken.BodyFile = body(t, callback+"{")
	if posted, err = peer.Fire(t.Context(), broken); err != nil || posted.Answered != 0 || posted.Others["400"] == 0 {
		t.Errorf("no JSON: %+v %v", posted, err)
	}
}

func TestAVolleyNeedsACallWithANumber(t *testing.T) {
	_, address := serveSink(t)
	for _, text := range []string{`{}`, `{"callId":"` + peer.Mark + `12"}`} {
		v := volley(t, address, "/")
		v.BodyFile = body(t, text)
		if _, err := peer.Fire(t.Context(), v); err == nil {
			t.Errorf("%s is posted", text)
		}
	}
}

// TestTheSinkAnswersWishes: in their order, each when its calls are there or its
// time is up.
func TestTheSinkAnswersWishes(t *testing.T) {
	sink, address := serveSink(t)
	if _, err := peer.Fire(t.Context(), volley(t, address, "/")); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := sink.Talk(t.Context(), strings.NewReader(`{"calls":1,"seconds":60}{"calls":1000000,"seconds":0.01}`), &out); err != nil {
		t.Fatal(err)
	}
	answers := json.NewDecoder(strings.NewReader(out.String()))
	for range 2 {
		var a peer.Arrived
		if err := answers.Decode(&a); err != nil || a.Calls == 0 {
			t.Errorf("%+v %v", a, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if a := sink.Await(ended, 1_000_000, time.Hour); a.Calls >= 1_000_000 {
		t.Error(fmt.Sprint(a))
	}
}

func TestEachCallHasACallerOfItsOwn(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]bool{}
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var body struct{ CallID, Caller string }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		number, err := strconv.ParseInt(strings.TrimPrefix(body.CallID, peer.Mark), 10, 64)
		if err != nil || body.Caller != peer.CallerOf(number) {
			t.Errorf("call %q has the caller %q, error %v", body.CallID, body.Caller, err)
		}
		mu.Lock()
		defer mu.Unlock()
		seen[body.Caller] = true
	}))
	defer server.Close()
	v := volley(t, server.Listener.Addr().String(), "/")
	v.BodyFile = body(t, `{"callId":"`+peer.Mark+`0000000000","caller":"`+peer.NoCaller()+`"}`)
	posted, err := peer.Fire(t.Context(), v)
	mu.Lock()
	defer mu.Unlock()
	if err != nil || posted.Answered < 2 || len(seen) != int(posted.Answered) {
		t.Errorf("%d callers of %d calls, error %v", len(seen), posted.Answered, err)
	}
}
