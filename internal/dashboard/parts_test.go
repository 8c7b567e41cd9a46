package dashboard_test

import (
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/dashboard"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// TestEveryReasonHasWords: a new reason must be explained to people.
func TestEveryReasonHasWords(t *testing.T) {
	codes := []string{"doubtful"}
	for _, r := range spool.Reasons() {
		codes = append(codes, string(r))
	}
	for _, m := range []outbound.Meaning{outbound.Rejected, outbound.Unwell, outbound.Timeout, outbound.Connect, outbound.Credentials, outbound.Paused} {
		codes = append(codes, m.String())
	}
	for _, c := range codes {
		if dashboard.Words(c) == strings.ReplaceAll(c, "_", " ") || dashboard.Todo(c) == "" || dashboard.Tone(c) == "calm" {
			t.Errorf("%s has no words, no advice or no tone", c)
		}
	}
	if got := dashboard.Words("some_thing"); got != "some thing" {
		t.Errorf("an unknown code: %q", got)
	}
}

func TestPageSaysThatACallIsDoubtful(t *testing.T) {
	d := spool.DeliveryStatus{State: "waiting", DueAt: call.At(time.Now().Add(time.Hour))}
	if what, todo := dashboard.Waiting(d); what != "Next attempt" || todo != "" {
		t.Errorf("%q, %q", what, todo)
	}
	d.Doubtful = true
	what, todo := dashboard.Waiting(d)
	if what != "Next attempt: it fails while the sink takes others" || !strings.Contains(todo, "takes other calls and not this one") {
		t.Errorf("%q, %q", what, todo)
	}
}

func TestMaskText(t *testing.T) {
	for text, want := range map[string]string{
		"call +62 813-5111-1451 now":  "call +62************51 now",
		"2026-11-21 00:24:06 and 422": "2026-11-21 00:24:06 and 422",
		"at 203.0.113.10:8080":        "at 203.0.113.10:8080",
		`"destnumber":"81351111451"`:  `"destnumber":"813******51"`,
		"rec_81351111451.mp3":         "rec_813******51.mp3",
		"12345":                       "12345",
	} {
		if got := dashboard.MaskText(text); got != want {
			t.Errorf("%q gives %q, want %q", text, got, want)
		}
	}
}

var longRun = regexp.MustCompile(`\d{7}`)

func FuzzMaskText(f *testing.F) {
	for _, seed := range []string{"+62 813 5111 1451", "2026-01-02 1234567890", "1-2-3-4-5-6-7", "\xff8135111145", "0000-00-00T008135111145"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := dashboard.MaskText(text); longRun.MatchString(got) {
			t.Errorf("%q leaves %q", text, got)
		}
	})
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
	if c.Received != 7 || c.Delivered != 4 || c.DeadLetters != 3 || c.Waiting != 7 || c.BySource["b"] != 2 || c.BySink["crm"] != 4 {
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
