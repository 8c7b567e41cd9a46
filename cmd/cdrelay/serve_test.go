package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	dialer = "/callbacks/dialer?key=dialer-secret"
	nxlink = "/callbacks/nxlink"
)

// crmAndSlack are the sinks and rules of DESIGN's example, in short.
const crmAndSlack = `
sinks:
  - name: crm
    webhook: {url: "%s/crm"}
    retry: {first: 100ms, max: 200ms}
  - name: missed-calls
    slack: {webhook_url: "%s/services/T/B/x"}
rules:
  - name: missed inbound calls to Slack, once
    when: call.revision == 1 && call.direction == "inbound" && !call.answered
    to: [missed-calls]
  - name: all calls to the CRM
    to: [crm]
`

// TestBothVendorsToCRMAndSlack is the main job: a CRM that fails twice first gets
// every call, Slack the missed one.
func TestBothVendorsToCRMAndSlack(t *testing.T) {
	crm := newSink(t, func(n int) int {
		if n <= 2 {
			return http.StatusBadGateway
		}
		return http.StatusOK
	})
	slack := newSink(t, always(http.StatusOK))
	s := start(t, configure(t, crmAndSlack, crm.URL, slack.URL))
	for name, post := range map[string]func(string) (int, string){
		"nxcc-call.json":                 func(b string) (int, string) { return s.post(nxlink, b, "token", "nxcc-secret") },
		"infin8linx-call.json":           func(b string) (int, string) { return s.post(dialer, b) },
		"infin8linx-missed-inbound.json": func(b string) (int, string) { return s.post(dialer, b) },
	} {
		status, body := post(callback(t, name))
		if status != http.StatusOK || !strings.Contains(body, `"status":"accepted"`) || !strings.Contains(body, `"revision":1`) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	ids := func() map[string]bool {
		out := map[string]bool{}
		for _, b := range crm.got()[min(2, len(crm.got())):] {
			var r struct{ ID string }
			if json.Unmarshal([]byte(b), &r) == nil {
				out[r.ID] = true
			}
		}
		return out
	}
	eventually(t, "the CRM gets the three calls", func() bool { return len(ids()) == 3 })
	eventually(t, "Slack gets the missed call", func() bool { return len(slack.got()) == 1 })
	if text := slack.got()[0]; !strings.Contains(text, "Missed call") || !strings.Contains(text, "+6281351111451") {
		t.Errorf("Slack got %s", text)
	}
	if status, body := s.post(dialer, callback(t, "infin8linx-call.json")); status != http.StatusOK || !strings.Contains(body, `"status":"duplicate"`) {
		t.Errorf("the same callback again: %d %s", status, body)
	}
}

// TestCrashBetweenAnswerAndDelivery kills the process after the 200, while the
// sink is away, and starts another on the same spool.
func TestCrashBetweenAnswerAndDelivery(t *testing.T) {
	away := freePort(t)
	config := configure(t, crmAndSlack, "http://"+away, "http://"+away)
	s := start(t, config)
	if status, body := s.post(dialer, callback(t, "infin8linx-call.json")); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := s.post(nxlink, callback(t, "nxcc-call.json"), "token", "nxcc-secret"); status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	s.kill()
	crm := newSinkAt(t, away, always(http.StatusOK))
	start(t, config)
	eventually(t, "both calls are delivered after the crash", func() bool { return len(crm.got()) >= 2 })
	seen := map[string]bool{}
	crm.mu.Lock()
	defer crm.mu.Unlock()
	for _, id := range crm.ids {
		seen[id] = true
	}
	if len(seen) != 2 {
		t.Errorf("message ids: %v", crm.ids)
	}
}

// TestGarbageIsKept, a wrong token leaves no trace.
func TestGarbageIsKept(t *testing.T) {
	s := start(t, configure(t, `
sinks: [{name: crm, webhook: {url: "http://%s"}}]
rules: [{name: all, to: [crm]}]
`, freePort(t)))
	if status, body := s.post(nxlink, callback(t, "nxcc-call.json"), "token", "wrong"); status != http.StatusUnauthorized {
		t.Errorf("wrong token: %d %s", status, body)
	}
	if _, body := s.get("/api/v1/status"); !strings.Contains(body, `"calls":0`) || !strings.Contains(body, `"intake":0`) {
		t.Errorf("a refused request left a trace: %s", body)
	}
	legacy := callback(t, "infin8linx-legacy-as-published.txt")
	for range 2 { // the same body is kept once
		if status, body := s.post(dialer, legacy); status != http.StatusBadRequest || !strings.Contains(body, "line 21, column 5") {
			t.Errorf("invalid JSON: %d %s", status, body)
		}
	}
	var list struct {
		Items []struct{ ID, Stage, Reason, Source, Detail string }
	}
	_, body := s.get("/api/v1/dead-letters")
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 1 || list.Items[0].Stage != "intake" || list.Items[0].Reason != "undecodable" || list.Items[0].Source != "dialer" {
		t.Fatalf("dead letters: %s", body)
	}
	var one struct{ Body string }
	_, body = s.get("/api/v1/dead-letters/" + list.Items[0].ID)
	if err := json.Unmarshal([]byte(body), &one); err != nil || one.Body != legacy {
		t.Errorf("the kept body differs: %s", body)
	}
}

// TestRejectingSinkSlowsNoOther: one sink refuses everything, the other gets all.
func TestRejectingSinkSlowsNoOther(t *testing.T) {
	bad, good := newSink(t, always(http.StatusUnprocessableEntity)), newSink(t, always(http.StatusNoContent))
	s := start(t, configure(t, `
sinks:
  - {name: bad, webhook: {url: "%s"}}
  - {name: good, webhook: {url: "%s"}}
rules: [{name: all, to: [bad, good]}]
`, bad.URL, good.URL))
	const calls = 30
	for i := range calls {
		body := strings.Replace(callback(t, "infin8linx-call.json"), "263056202", strconv.Itoa(263056300+i), 1)
		if status, answer := s.post(dialer, body); status != http.StatusOK {
			t.Fatalf("%d %s\n%s", status, answer, body)
		}
	}
	eventually(t, "the good sink gets all", func() bool { return len(good.got()) == calls })
	eventually(t, "the bad one's are dead letters", func() bool {
		_, metrics := s.get("/metrics")
		return strings.Contains(metrics, `cdrelay_dead_letters_total{reason="rejected",sink="bad",stage="delivery"} 30`)
	})
	if n := len(bad.got()); n != calls {
		t.Errorf("the bad sink was asked %d times for %d calls", n, calls)
	}
}

// TestStopsInTime: SIGTERM lets the attempt on its way finish and exits 0.
func TestStopsInTime(t *testing.T) {
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(slow.Close)
	s := start(t, configure(t, `
sinks: [{name: crm, webhook: {url: "%s"}}]
rules: [{name: all, to: [crm]}]
`, slow.URL))
	if status, _ := s.post(dialer, callback(t, "infin8linx-call.json")); status != http.StatusOK {
		t.Fatal(status)
	}
	eventually(t, "the attempt is on its way", func() bool {
		_, body := s.get("/api/v1/status")
		return strings.Contains(body, `"in_flight":1`)
	})
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the stop is logged", func() bool { return strings.Contains(s.log.String(), "cdrelay stops") })
	close(release)
	select {
	case <-s.ended:
		if s.err != nil {
			t.Errorf("exit: %v", s.err)
		}
	case <-time.After(patience):
		t.Fatal("does not end")
	}
}

// TestOneProcessOwnsASpool: a second one exits 1 and says who holds it.
func TestOneProcessOwnsASpool(t *testing.T) {
	config := configure(t, "")
	start(t, config)
	cmd := exec.CommandContext(t.Context(), "cdrelay", "serve", "-c", config)
	cmd.SysProcAttr = child()
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "spool is held by process ") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestReload takes a new sink in while serving, and keeps the old configuration
// when the new one is wrong.
func TestReload(t *testing.T) {
	first, second := newSink(t, always(http.StatusOK)), newSink(t, always(http.StatusOK))
	const sinks = `
sinks: [{name: crm, webhook: {url: "%s"}}]
rules: [{name: all, to: [crm]}]
`
	path := configure(t, sinks, first.URL)
	s := start(t, path)
	change(t, path, first.URL, second.URL)
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the change is logged", func() bool { return strings.Contains(s.log.String(), "the configuration was changed") })
	s.post(dialer, callback(t, "infin8linx-call.json"))
	eventually(t, "the new address gets the call", func() bool { return len(second.got()) == 1 })
	if len(first.got()) != 0 {
		t.Error("the old address got it")
	}
	change(t, path, "sinks:", "sinkz:")
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the error is in the metric", func() bool {
		_, metrics := s.get("/metrics")
		return strings.Contains(metrics, "cdrelay_config_last_reload_successful 0")
	})
	if status, body := s.post(nxlink, callback(t, "nxcc-call.json"), "token", "nxcc-secret"); status != http.StatusOK {
		t.Errorf("after a bad reload: %d %s", status, body)
	}
	eventually(t, "the old configuration goes on", func() bool { return len(second.got()) == 2 })
}
