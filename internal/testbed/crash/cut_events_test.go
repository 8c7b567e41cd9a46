package crash

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/testbed/faultfs"
)

// TestCrashPowerCutsBetweenChangeAndEvent ends the power while an operator pauses and
// resumes a sink: what was acknowledged is among the events, and the sink is as the newest
// of them says, acknowledged or not. No cut separates what was done from who did it.
func TestCrashPowerCutsBetweenChangeAndEvent(t *testing.T) {
	well := newRecorder(t, "well", alike(http.StatusOK))
	d := faultfs.New(t)
	config := configOn(t, d, "", sprintfSinks("sinks: [{name: well, webhook: {url: \"%s\"}}]\nrules: [{name: all, to: [well]}]\n", well))
	seed := seedFromEnv(t)
	random := rand.New(rand.NewPCG(seed, 7))
	acknowledged := map[string]bool{}
	changes := 0
	for cut := range 2 * plainCuts {
		p := launch(t, config)
		p.awaitServing()
		events := heldTo(t, p, acknowledged)
		dark := d.CutAfter(20+random.IntN(300), "*", random.Uint64())
		for over := time.After(cutSoon); ; changes++ {
			reason := fmt.Sprint("change ", changes)
			verb, body := "pause", `{"reason":"`+reason+`"}`
			if changes%2 == 1 {
				verb, body = "resume", ""
			}
			if !change(p, verb, body) {
				break
			}
			if verb == "pause" {
				acknowledged[reason] = true
			}
			select {
			case <-dark:
			case <-over:
				d.Cut(random.Uint64())
			default:
				continue
			}
			break
		}
		p.kill()
		if err := d.Remount(); err != nil {
			t.Fatal(err)
		}
		t.Logf("cut %d after %d events and %d changes, seed %d", cut, events, changes, seed)
	}
	p := launch(t, config)
	p.awaitServing()
	if heldTo(t, p, acknowledged); len(acknowledged) == 0 {
		t.Error("no pause was acknowledged")
	}
	p.stop()
}

// change pauses or resumes the sink, and reports whether that was acknowledged.
func change(p *process, verb, body string) bool {
	kind := ""
	if body != "" {
		kind = "application/json"
	}
	impatient := &http.Client{Timeout: time.Second} // without power nothing is answered
	resp, err := impatient.Post(p.admin+"/api/v1/sinks/well/"+verb, kind, strings.NewReader(body))
	return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
}

// heldTo compares the events with what was acknowledged and with the sink, and returns
// how many there are.
func heldTo(t *testing.T, p *process, acknowledged map[string]bool) int {
	t.Helper()
	kept, newest, n := map[string]bool{}, "resume", 0
	for cursor := ""; ; {
		var page struct {
			Items []struct{ Action, Detail string }
			Next  string `json:"next_cursor"`
		}
		p.get("/api/v1/events?limit=500&cursor="+cursor, &page)
		for _, e := range page.Items {
			if n++; n == 1 {
				newest = e.Action
			}
			_, reason, _ := strings.Cut(e.Detail, ": ")
			kept[reason] = true
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	for reason := range acknowledged {
		if !kept[reason] {
			t.Errorf("%s was acknowledged and is not among the %d events", reason, n)
		}
	}
	var sinks struct {
		Items []struct{ Paused *struct{ By string } }
	}
	p.get("/api/v1/sinks", &sinks)
	if paused := sinks.Items[0].Paused != nil; paused != (newest == "pause") {
		t.Errorf("the newest event is %s and the sink is paused: %v", newest, paused)
	}
	return n
}
