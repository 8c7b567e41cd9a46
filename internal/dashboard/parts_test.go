package dashboard_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/dashboard"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/spool"
)

func TestPageSaysThatACallIsDoubtful(t *testing.T) {
	d := operate.DeliveryDetail{DeliveryStatus: spool.DeliveryStatus{State: "waiting"}, Wait: &operate.Wait{For: "retry", NextTryAt: call.At(time.Now().Add(time.Hour))}}
	if what, todo := dashboard.Waiting(d); what != "Next attempt" || todo != "" {
		t.Errorf("%q, %q", what, todo)
	}
	d.Doubtful = true
	what, todo := dashboard.Waiting(d)
	if what != "Next attempt: it fails while the sink takes others" || !strings.Contains(todo, "takes other calls and not this one") {
		t.Errorf("%q, %q", what, todo)
	}
}

// TestWaitingCallsAreAList: the page of a sink leads to the calls that wait for it.
func TestWaitingCallsAreAList(t *testing.T) {
	r := newRig(t)
	r.seed()
	const link = `/calls?state=waiting&amp;sink=archive`
	if !strings.Contains(r.get("/sinks/archive").body, link) {
		t.Fatal("no link to what waits")
	}
	body := r.get(strings.ReplaceAll(link, "&amp;", "&")).body
	for id, want := range map[string]bool{"100": false, "101": false, "102": true, "103": false} {
		if got := strings.Contains(body, "/calls/dialer:9513923-"+id); got != want {
			t.Errorf("call %s is listed: %v", id, got)
		}
	}
}

// TestPauseGoesBackToItsPage: whoever pauses on the page of the sink stays there.
func TestPauseGoesBackToItsPage(t *testing.T) {
	r := newRig(t)
	for _, verb := range []string{"pause", "resume"} {
		if a := r.post("/sinks/crm/"+verb, url.Values{"from": {"sink"}}); a.at.Path != "/sinks/crm" {
			t.Errorf("%s leads to %s", verb, a.at)
		}
		if a := r.post("/sinks/crm/"+verb, nil); a.at.Path != "/" {
			t.Errorf("%s leads to %s", verb, a.at)
		}
	}
	for _, path := range []string{"/sinks/nobody", "/sources/nobody"} {
		if a := r.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func TestFromGatherer(t *testing.T) {
	reg := prometheus.NewRegistry()
	vec := func(name string, labels ...string) *prometheus.CounterVec {
		v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: "h"}, labels)
		reg.MustRegister(v)
		return v
	}
	callbacks := vec("cdrelay_callbacks_total", "source", "result")
	callbacks.WithLabelValues("a", "accepted").Add(5)
	callbacks.WithLabelValues("b", "undecodable").Add(2)
	callbacks.WithLabelValues("b", "unauthorized").Add(100)
	deliveries := vec("cdrelay_deliveries_total", "sink", "result")
	deliveries.WithLabelValues("crm", "delivered").Add(4)
	deliveries.WithLabelValues("crm", "rejected").Add(9)
	vec("cdrelay_dead_letters_total", "stage", "sink", "reason").WithLabelValues("delivery", "crm", "rejected").Add(3)
	waiting := prometheus.NewGauge(prometheus.GaugeOpts{Name: "cdrelay_pending_deliveries", Help: "h"})
	waiting.Set(7)
	reg.MustRegister(waiting)
	c := dashboard.FromGatherer(reg)()
	if c.Received != 7 || c.Delivered != 4 || c.DeadLetters != 3 || c.Waiting != 7 {
		t.Errorf("%+v", c)
	}
}

// TestRun: the pictures grow by a bar a minute, forget what is older than an
// hour, and take a counter that fell for one that was reset.
func TestRun(t *testing.T) {
	r := newRig(t)
	synctest.Test(t, func(t *testing.T) {
		var received atomic.Int64
		d := *r.deps
		d.Counters = func() dashboard.Counters { return dashboard.Counters{Received: float64(received.Load())} }
		d.Now = time.Now
		page, err := dashboard.New(d)
		if err != nil {
			t.Fatal(err)
		}
		go page.Run(t.Context())
		for range 90 {
			received.Add(1000)
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		if n := len(page.Minutes()); n != 60 {
			t.Errorf("%d minutes, want 60", n)
		}
		if got := page.Minutes(); got[0] != 1000 || got[58] != 1000 || got[59] != 0 {
			t.Errorf("minutes: %v", got)
		}
		received.Store(5)
		if got := page.Minutes(); got[59] != 0 {
			t.Errorf("a counter that fell counts %v", got[59])
		}
	})
}
