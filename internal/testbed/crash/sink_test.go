package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// hangUp is the answer of a sink that breaks the connection.
const hangUp = 0

// arrival is a request that a sink answered for good: delivered or refused.
type arrival struct {
	answered time.Time
	status   int
	// run is the process that sent it, by its header.
	run int
}

// recorder is a sink that notes what it got before it answers.
type recorder struct {
	*httptest.Server
	name string
	// answer gives the status for a delivery.
	answer func(k key) int

	failed atomic.Int64 // requests answered with anything that is tried again

	mu     sync.Mutex // guards everything below
	got    map[key][]arrival
	newest map[string]int // the newest revision of a call that was seen
	wrong  []string
}

func newRecorder(tb testing.TB, name string, answer func(key) int) *recorder {
	tb.Helper()
	r := &recorder{name: name, answer: answer, got: map[key][]arrival{}, newest: map[string]int{}}
	r.Server = httptest.NewServer(r)
	tb.Cleanup(r.Close)
	return r
}

// ServeHTTP notes and answers one delivery.
func (r *recorder) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	var rec struct {
		ID       string
		Revision int
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the sender was killed
	}
	if err := json.Unmarshal(body, &rec); err != nil {
		r.complain("%s got a body that is no record: %v", r.name, err)
		return
	}
	k := key{rec.ID, rec.Revision}
	switch status := r.answer(k); {
	case status == hangUp:
		r.failed.Add(1)
		panic(http.ErrAbortHandler)
	case status < 300 || status == http.StatusUnprocessableEntity:
		run, _ := strconv.Atoi(req.Header.Get("X-Run")) // absent where runs do not matter
		r.note(k, arrival{time.Now(), status, run})
		w.WriteHeader(status)
	default:
		r.failed.Add(1)
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		w.WriteHeader(status)
	}
}

func (r *recorder) note(k key, a arrival) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got[k] = append(r.got[k], a)
	if r.newest[k.id] > k.revision {
		r.wrong = append(r.wrong, fmt.Sprintf("%s got revision %d of %s after revision %d", r.name, k.revision, k.id, r.newest[k.id]))
	}
	r.newest[k.id] = max(r.newest[k.id], k.revision)
}

func (r *recorder) complain(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

// count is the number of different deliveries that were answered for good.
func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got)
}

// first gives the first arrival of a delivery.
func (r *recorder) first(k key) (arrival, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.got[k]) == 0 {
		return arrival{}, false
	}
	return r.got[k][0], true
}

// alike always gives the same answer.
func alike(status int) func(key) int { return func(key) int { return status } }

// refused tells the calls that the failing sink refuses for good: one in 32.
func refused(k key) bool {
	h := fnv.New32a()
	_, _ = io.WriteString(h, k.id) // a hash takes all
	return h.Sum32()%32 == 0
}

// moods are the answers of sinks that fail; calm lets them be well.
type moods struct {
	calm atomic.Bool
	away atomic.Int32 // what the sink that is away answers now

	mu     sync.Mutex // guards random
	random *rand.Rand
}

func newMoods(seed uint64) *moods {
	m := &moods{random: rand.New(rand.NewPCG(seed, 1<<32))}
	m.away.Store(http.StatusOK)
	return m
}

func (m *moods) roll() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.random.Float64()
}

// failing fails at random, and refuses some calls whatever happens.
func (m *moods) failing(k key) int {
	switch luck := m.roll(); {
	case !m.calm.Load() && luck < 0.10:
		return http.StatusInternalServerError
	case !m.calm.Load() && luck < 0.13:
		return hangUp
	case refused(k):
		return http.StatusUnprocessableEntity
	default:
		return http.StatusOK
	}
}

// absent answers as the present mood is.
func (m *moods) absent(key) int {
	if m.calm.Load() {
		return http.StatusOK
	}
	return int(m.away.Load())
}

// sway changes the mood of the sink that is away at times, until ctx ends.
func (m *moods) sway(ctx context.Context) {
	answers := []int32{
		http.StatusOK, http.StatusOK, http.StatusOK, hangUp, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusUnauthorized,
	}
	for ctx.Err() == nil {
		m.away.Store(answers[int(m.roll()*float64(len(answers)))])
		wait(ctx, time.Duration(m.roll()*float64(800*time.Millisecond)))
	}
}

// sprintfSinks puts the addresses of sinks into a configuration.
func sprintfSinks(config string, sinks ...*recorder) string {
	args := make([]any, len(sinks))
	for i, s := range sinks {
		args[i] = s.URL
	}
	return fmt.Sprintf(config, args...)
}
