package webhook

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// The bounds of what one sink keeps of its lookups.
const (
	maxLookups      = 4096
	maxLookupsBytes = 1 << 20
	// lookupOverhead is what an entry takes beside its result.
	lookupOverhead = 160
	// missPart is the part of its time for which a lookup that found nothing is kept.
	missPart = 10
)

// question names one lookup by its rendered request.
type question [sha256.Size]byte

// questionOf returns the question that a step at an index asks. The ids of the
// delivery are no part of it.
func questionOf(step int, r *outbound.Request) question {
	text := make([]byte, 0, 512+len(r.URL)+len(r.Body))
	add := func(part string) {
		text = binary.AppendUvarint(text, uint64(len(part)))
		text = append(text, part...)
	}
	text = binary.AppendUvarint(text, uint64(step)) //nolint:gosec // an index is not negative
	add(r.Method)
	add(r.URL)
	add(string(r.Body))
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if !contract.Identifies(name) {
			add(name)
			add(r.Header.Get(name))
		}
	}
	return sha256.Sum256(text)
}

// lookups keeps the results of one sink's lookups. Each question is asked by one
// attempt at a time, and where it finds nothing the same attempt may make what is
// missing before others are told.
//
// An attempt asks the steps in their order, and so holds questions of earlier steps
// only while it waits for one of a later step: no two attempts wait for each other.
type lookups struct {
	mu sync.Mutex // guards everything below
	// kept holds results, bytes what they take.
	kept  *simplelru.LRU[question, keptResult]
	bytes int
	// held are the questions that an attempt asks, or whose answer it makes.
	held map[question]*holder
}

type keptResult struct {
	result expr.Result
	until  time.Time
}

// size is what the result takes.
func (k keptResult) size() int { return lookupOverhead + len(k.result.JSON()) }

type holder struct {
	by   *series
	over chan struct{} // closed when it is held no more
}

func newLookups() *lookups {
	l := &lookups{held: map[question]*holder{}}
	l.kept, _ = simplelru.NewLRU(maxLookups, func(_ question, k keptResult) { l.bytes -= k.size() }) // fails for sizes below 1 only
	return l
}

// answer is what is known of a question.
type answer struct {
	result expr.Result
	// known: the result is kept. Else the attempt asks, unless it has to wait.
	known bool
	wait  func(ctx context.Context) error
}

// ask returns what is known of a question. Where nothing is, or where nothing was
// found and the attempt may fill that, the question is the attempt's own until it
// leaves it.
func (l *lookups) ask(q question, by *series, mayFill bool) answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.held[q]; h != nil {
		if h.by == by {
			return answer{}
		}
		return answer{wait: func(ctx context.Context) error {
			select {
			case <-h.over:
				return nil
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}}
	}
	k, found := l.kept.Get(q)
	if found && time.Now().After(k.until) {
		l.kept.Remove(q)
		found = false
	}
	if !found || mayFill && k.result.IsEmpty() {
		l.held[q] = &holder{by: by, over: make(chan struct{})}
	}
	return answer{result: k.result, known: found}
}

// keep keeps a result for a time.
func (l *lookups) keep(q question, r expr.Result, age time.Duration) {
	if r.IsEmpty() {
		age /= missPart
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept.Remove(q) // or its size would be counted twice
	k := keptResult{result: r, until: time.Now().Add(age)}
	l.bytes += k.size()
	l.kept.Add(q, k)
	for l.bytes > maxLookupsBytes {
		l.kept.RemoveOldest()
	}
}

// leave tells those who wait that the attempt holds the question no more.
func (l *lookups) leave(q question, by *series) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.held[q]; h != nil && h.by == by {
		delete(l.held, q)
		close(h.over)
	}
}

// drop forgets results that may be wrong.
func (l *lookups) drop(questions []question) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range questions {
		l.kept.Remove(q)
	}
}
