package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// volley posts calls as fast as it is answered, and notes every answer.
type volley struct {
	samples samples
	client  *http.Client
	next    atomic.Int64
	// dialerOnly posts Infin8linx's callbacks alone.
	dialerOnly bool

	mu       sync.Mutex // guards everything below
	acked    []key
	answers  map[string]int
	begun    map[key]time.Time
	took     []time.Duration // of answers 200
	withhold int             // answers 503 without Retry-After
}

func newVolley(tb testing.TB, connections int) *volley {
	tb.Helper()
	v := &volley{
		samples: readSamples(tb), answers: map[string]int{}, begun: map[key]time.Time{},
		client: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: connections}},
	}
	tb.Cleanup(v.client.CloseIdleConnections)
	return v
}

// fire posts over so many connections until the context ends, and waits for the
// last answers.
func (v *volley) fire(ctx context.Context, target string, connections int) {
	var posting sync.WaitGroup
	for range connections {
		posting.Go(func() {
			for ctx.Err() == nil {
				// A post that has begun gets its answer.
				v.post(context.WithoutCancel(ctx), target)
			}
		})
	}
	posting.Wait()
}

// shoot posts a number of calls over so many connections.
func (v *volley) shoot(ctx context.Context, target string, connections, calls int) {
	var posting sync.WaitGroup
	left := atomic.Int64{}
	left.Store(int64(calls))
	for range connections {
		posting.Go(func() {
			for ctx.Err() == nil && left.Add(-1) >= 0 {
				v.post(ctx, target)
			}
		})
	}
	posting.Wait()
}

// post sends one new call.
func (v *volley) post(ctx context.Context, target string) {
	connection, number := 0, int(v.next.Add(1))
	if v.dialerOnly {
		connection, number = 1, 2*number
	}
	req, err := v.samples.request(ctx, target, connection, number, 1)
	if err != nil {
		v.note(err.Error(), receipt{}, 0)
		return
	}
	begun := time.Now()
	resp, err := v.client.Do(req)
	if err != nil {
		v.note(err.Error(), receipt{}, 0)
		return
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	var r receipt
	if err == nil && resp.StatusCode == http.StatusOK {
		err = json.Unmarshal(body, &r)
	}
	if err != nil {
		v.note(err.Error(), receipt{}, 0)
		return
	}
	if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") == "" {
		v.mu.Lock()
		v.withhold++
		v.mu.Unlock()
	}
	v.note(strconv.Itoa(resp.StatusCode), r, time.Since(begun))
}

func (v *volley) note(answer string, r receipt, took time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answers[answer]++
	if r.ID != "" {
		k := key{r.ID, r.Revision}
		v.acked, v.begun[k] = append(v.acked, k), time.Now().Add(-took)
		v.took = append(v.took, took)
	}
}

// verdict complains about answers that are neither 200 nor 503 with Retry-After.
func (v *volley) verdict(tb testing.TB) {
	tb.Helper()
	v.mu.Lock()
	defer v.mu.Unlock()
	for answer, n := range v.answers {
		if answer != "200" && answer != "503" {
			tb.Errorf("%d posts ended with %s", n, answer)
		}
	}
	if v.withhold > 0 {
		tb.Errorf("%d answers 503 have no Retry-After", v.withhold)
	}
}

// taken empties the list of times and gives them.
func (v *volley) taken() times {
	v.mu.Lock()
	defer v.mu.Unlock()
	out := v.took
	v.took = nil
	return out
}

// times are durations of one kind.
type times []time.Duration

// at gives a quantile.
func (t times) at(share float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t))
	return sorted[int(share*float64(len(sorted)-1))]
}

// String gives the quantiles that matter.
func (t times) String() string {
	return fmt.Sprintf("n=%d p50=%v p99=%v max=%v", len(t), t.at(0.5).Round(10*time.Microsecond), t.at(0.99).Round(10*time.Microsecond), t.at(1).Round(10*time.Microsecond))
}

// memory is the resident size of a process and the greatest it ever had, in MB.
func (p *process) memory() (now, most float64) {
	p.tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.tb.Skipf("the size of a process is read from /proc, which is not there: %v", err)
	}
	field := func(name string) float64 {
		_, rest, _ := strings.Cut(string(text), name+":")
		kb, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
		if err != nil {
			p.tb.Fatal(err)
		}
		return kb / 1024
	}
	return field("VmRSS"), field("VmHWM")
}

func (p *process) goroutines() int { return int(p.metric("go_goroutines")) }

// idleGoroutines is their number when nothing is done: not before all that a start
// begins has begun.
func (p *process) idleGoroutines() int {
	p.tb.Helper()
	last := 0
	eventually(p.tb, patience, "the number of goroutines stays what it is", func() bool {
		before := last
		last = p.goroutines()
		wait(p.tb.Context(), 250*time.Millisecond)
		return last == before
	})
	return last
}
