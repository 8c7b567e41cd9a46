package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// key names one revision of a call.
type key struct {
	id       string
	revision int
}

// receipt is the body of an answer 200.
type receipt struct {
	Status, ID string
	Revision   int
}

// generator posts callbacks and notes what was answered 200.
type generator struct {
	tb      testing.TB
	seed    uint64
	samples samples
	// pause is how long a connection waits between two posts, on average.
	pause time.Duration
	// plain has new calls only: a revision or a repeat of a call that was purged
	// is a new call to the spool.
	plain bool
	// target is the address of the server that lives; nil between two.
	target  atomic.Pointer[string]
	running sync.WaitGroup
	// answered gets a token at an answer when somebody waits for one.
	answered chan struct{}

	posts, repeats, unanswered atomic.Int64

	mu     sync.Mutex // guards everything below
	acked  map[key]struct{}
	begun  map[int]time.Time // of the post that each connection has in flight
	recent []timing          // answers of the last second or so
	wrong  []string          // answers that contradict earlier ones
}

// timing is one answered post.
type timing struct {
	at   time.Time
	took time.Duration
}

func newGenerator(tb testing.TB, seed uint64, pause time.Duration) *generator {
	tb.Helper()
	return &generator{
		tb: tb, seed: seed, samples: readSamples(tb), pause: pause,
		answered: make(chan struct{}), acked: map[key]struct{}{}, begun: map[int]time.Time{},
	}
}

// start opens the connections; they end with the context.
func (g *generator) start(ctx context.Context, connections int) {
	for n := range connections {
		g.running.Go(func() { newCaller(g, n).run(ctx) })
	}
}

// slowest tells how long a callback takes to be durable at this moment: the
// slowest answer of the last second, or the age of one that is not answered.
func (g *generator) slowest(now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	var worst time.Duration
	for _, t := range g.recent {
		if now.Sub(t.at) < time.Second {
			worst = max(worst, t.took)
		}
	}
	for _, begun := range g.begun {
		worst = max(worst, now.Sub(begun))
	}
	return worst
}

func (g *generator) began(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.begun[n] = time.Now()
}

func (g *generator) ended(n int, answered bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if answered {
		g.recent = append(g.recent, timing{now, now.Sub(g.begun[n])})
	}
	if len(g.recent) > 8192 {
		g.recent = append(g.recent[:0], g.recent[4096:]...)
	}
	delete(g.begun, n)
}

// awaitAnswer waits for the next answer 200.
func (g *generator) awaitAnswer(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-g.answered:
	case <-ctx.Done():
		g.tb.Error("no callback is answered")
	}
}

// note keeps an answer 200; want is the revision that its content has.
func (g *generator) note(r receipt, want int) {
	defer func() {
		select {
		case g.answered <- struct{}{}:
		default:
		}
	}()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.acked[key{r.ID, r.Revision}] = struct{}{}
	if r.Revision != want {
		g.wrong = append(g.wrong, fmt.Sprintf("content %d of %s was answered as revision %d (%s)", want, r.ID, r.Revision, r.Status))
	}
}

// caller is one connection of the generator. Its goroutine owns it.
type caller struct {
	*generator
	n      int
	random *rand.Rand
	client *http.Client
	made   int
	known  []made // calls of this connection, the newest last
}

// made is a call whose contents 1 to n were answered.
type made struct {
	number, contents int
}

func newCaller(g *generator, n int) *caller {
	return &caller{
		generator: g, n: n, random: rand.New(rand.NewPCG(g.seed, uint64(n))),
		client: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 1}},
	}
}

func (c *caller) run(ctx context.Context) {
	defer c.client.CloseIdleConnections()
	for ctx.Err() == nil {
		c.step(ctx)
		wait(ctx, time.Duration(c.random.ExpFloat64()*float64(c.pause)))
	}
}

// step posts a new call, a new revision of one, or something once more.
func (c *caller) step(ctx context.Context) {
	luck := c.random.Float64()
	if c.plain || len(c.known) == 0 || luck < 0.75 {
		c.made++
		m := made{number: c.made, contents: 1}
		if c.insist(ctx, m.number, 1) {
			c.known = append(c.known, m)
		}
		if len(c.known) > 64 {
			c.known = append(c.known[:0], c.known[32:]...)
		}
		return
	}
	i := c.random.IntN(len(c.known))
	if luck < 0.85 {
		c.repeats.Add(1)
		c.insist(ctx, c.known[i].number, 1+c.random.IntN(c.known[i].contents))
		return
	}
	c.known[i].contents++
	if !c.insist(ctx, c.known[i].number, c.known[i].contents) {
		// Nobody knows whether this content was kept, so no later one has a
		// revision that could be foretold.
		c.known = append(c.known[:i], c.known[i+1:]...)
	}
}

// insist posts a content until it is answered 200; now and then it gives up.
func (c *caller) insist(ctx context.Context, number, content int) bool {
	for ctx.Err() == nil {
		target := c.target.Load()
		if target == nil {
			wait(ctx, 2*time.Millisecond)
			continue
		}
		r, ok := c.post(ctx, *target, number, content)
		if ok {
			c.note(r, content)
			return true
		}
		if c.random.Float64() < 0.2 {
			return false
		}
		wait(ctx, 2*time.Millisecond)
	}
	return false
}

// post sends one callback; false is every answer that is not a whole 200.
func (c *caller) post(ctx context.Context, target string, number, content int) (r receipt, ok bool) {
	req, err := c.samples.request(ctx, target, c.n, number, content)
	if err != nil {
		return r, false
	}
	c.posts.Add(1)
	c.began(c.n)
	defer func() {
		c.ended(c.n, ok)
		if !ok {
			c.unanswered.Add(1)
		}
	}()
	resp, err := c.client.Do(req)
	if err != nil {
		return r, false
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || json.Unmarshal(body, &r) != nil {
		return r, false
	}
	return r, true
}

// samples are the vendors' real callbacks, which become the generator's.
type samples struct{ infin8linx, nxcc string }

func readSamples(tb testing.TB) samples {
	tb.Helper()
	read := func(name string) string {
		b, err := os.ReadFile(filepath.Join(top, "cmd/cdrelay/testdata/callbacks", name))
		if err != nil {
			tb.Fatal(err)
		}
		return string(b)
	}
	s := samples{read("infin8linx-call.json"), read("nxcc-call.json")}
	if !strings.Contains(s.infin8linx, "263056202") || !strings.Contains(s.nxcc, "b1920376-5e15-4f22-9996-6233f297685e") {
		tb.Fatal("the sample callbacks have other identities")
	}
	return s
}

// request makes the callback of a call: odd numbers are NXCC's. Contents of one
// call differ by the recording that came later.
func (s samples) request(ctx context.Context, target string, connection, number, content int) (*http.Request, error) {
	id := connection*100_000_000 + number
	if number%2 == 1 {
		body := strings.NewReplacer(
			"b1920376-5e15-4f22-9996-6233f297685e", fmt.Sprintf("c%09d-5e15-4f22-9996-6233f297685e", id),
			`"OTHER"`, fmt.Sprintf(`"content %d"`, content)).Replace(s.nxcc)
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, target+"/callbacks/nxlink", strings.NewReader(body))
		if err == nil {
			req.Header.Set("token", "nxcc-secret")
		}
		return req, err
	}
	body := strings.NewReplacer("263056202", fmt.Sprint(id),
		`"recordurl": ""`, fmt.Sprintf(`"recordurl": "https://recordings.example.com/%d"`, content)).Replace(s.infin8linx)
	return http.NewRequestWithContext(ctx, http.MethodPost, target+"/callbacks/dialer?key=dialer-secret", strings.NewReader(body))
}

// wait rests, or until the context ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
