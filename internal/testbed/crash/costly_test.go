package crash

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// repeated is a YAML mapping with so many keys of one value.
func repeated(n int, value string) string {
	var fields []string
	for i := range n {
		fields = append(fields, fmt.Sprintf("f%d: '%s'", i, value))
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// TestCrashCostlyExpressionsNoRace posts callbacks of 1 MiB to rules with twenty regular
// expressions, or to sinks whose templates repeat the callback hundreds of times,
// and small callbacks beside them: the server stays within the memory of a pod, the
// small ones are taken and delivered, and none that was acknowledged is lost.
func TestCrashCostlyExpressionsNoRace(t *testing.T) {
	var rules []string
	for i := range 20 {
		rules = append(rules, fmt.Sprintf(`  - {name: r%d, when: 'call.raw.other.matches("(a?){%d}(x+x+)+y")', to: [usual]}`, i, 10+i))
	}
	for name, c := range map[string]struct{ body, copies, rules string }{
		"regular expressions": {"{id: '${call.id}'}", "{id: '${call.id}'}", strings.Join(rules, "\n") + "\n"},
		"templates":           {repeated(200, "${call.raw.other}"), repeated(300, "${toJSON(call.raw)}"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			well := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
			t.Cleanup(well.Close)
			p := newCage(t).launch(t, writeConfig(t, "", fmt.Sprintf(`
sinks:
  - {name: usual, webhook: {url: "%[1]s", body: %[2]s}}
  - {name: copies, webhook: {url: "%[1]s", body: %[3]s}}
rules:
%[4]s  - {name: all, to: [usual, copies]}
`, well.URL, c.body, c.copies, c.rules)))
			p.awaitServing()
			large, slowest := besideSmallOnes(t, p)
			eventually(t, 2*patience, "every delivery ends", func() bool {
				s := p.status().Sinks
				return s[0].Pending+s[1].Pending == 0
			})
			if n := p.sink("copies").DeadLetters; c.rules == "" && (int(n) != len(large.acked) || n == 0) {
				t.Errorf("%d dead letters, want one of each of the %d large callbacks that were taken", n, len(large.acked))
			}
			checkMemory(p)
			t.Logf("large: %v; the slowest small one took %v", large.answers, slowest)
			p.stop()
		})
	}
}

// besideSmallOnes posts large callbacks, and small ones beside them, which must all
// be taken in time.
func besideSmallOnes(t *testing.T, p *process) (large *flood, slowest time.Duration) {
	t.Helper()
	large, small := newFlood(t), newFlood(t)
	large.also = "400" // kept as one whose rules cost too much
	done := make(chan struct{})
	go func() {
		defer close(done)
		large.pour(t.Context(), p.public, 8, 24, func(n int) []byte { return swollenBody("letters", n) })
	}()
	post := func(n int) {
		begun := time.Now()
		small.post(t.Context(), p.public, packed(fmt.Sprintf(`{"callId":"small-%d","direction":0,"other":"x"}`, n)))
		slowest = max(slowest, time.Since(begun))
		wait(t.Context(), 20*time.Millisecond)
	}
	for n := 0; ; n++ {
		select {
		case <-done:
			if !p.alive() {
				t.Fatalf("the server ended: %v\n%s", p.err, p.log)
			}
			if small.answers["503"] > 0 || slowest > 5*time.Second {
				t.Errorf("small callbacks: answers %v, the slowest took %v", small.answers, slowest)
			}
			return large, slowest
		default:
			post(n)
		}
	}
}
