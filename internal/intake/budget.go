package intake

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/sync/semaphore"
)

const (
	// maxDecoded is the most bytes of UTF-8 for one byte in another character set.
	maxDecoded = 3

	// usualMemory is what callbacks may take where Deps do not say.
	usualMemory = 48 << 20
	// leastReceiving lets one source receive a packed and an unpacked body of the
	// largest size however little memory there is.
	leastReceiving = 6 << 20
	// budgetWait is how long one callback waits for room, all its steps together.
	// A platform that does not repeat a callback rather waits than gets a 503.
	budgetWait = 5 * time.Second
)

// What a callback takes while it is handled, at most and in addition to its body:
// the record with its raw callback, the text that its fields are parts of, the
// sorted text that is hashed, the encoded record, and SQLite's copy of it.
const (
	costFixed = 8 << 10
	costByte  = 6
	// costMember is what a member of an object takes while it is sorted, or decoded
	// for a rule that reads call.raw; costItem what an item of a list does.
	costMember = 192
	costItem   = 48
)

// errBusy says that other callbacks fill the budget.
var errBusy = errors.New("too many callbacks are being received")

// budget bounds the memory of callbacks in bytes, of all sources together and of
// each source to half of that: first while their bodies come in, by what has
// arrived, and then until they are answered, by what they will take. What is
// handled waits for no room, so it ends and gives its room back.
type budget struct{ receiving, handling *pool }

func newBudget(bytes int64) *budget {
	if bytes <= 0 {
		bytes = usualMemory
	}
	return &budget{receiving: newPool(max(bytes/4, leastReceiving)), handling: newPool(bytes - bytes/4)}
}

// pool is room for all sources, of which one may have half.
type pool struct {
	bytes int64
	room  *semaphore.Weighted

	mu     sync.Mutex // guards shares
	shares map[string]*semaphore.Weighted
}

func newPool(bytes int64) *pool {
	return &pool{bytes: bytes, room: semaphore.NewWeighted(bytes), shares: map[string]*semaphore.Weighted{}}
}

// half is what one source may have.
func (p *pool) half() int64 { return p.bytes / 2 }

// account returns the account of one callback of the source. The share of a source
// outlives a reload, and so does what its callbacks hold of it.
func (p *pool) account(source string) account {
	p.mu.Lock()
	defer p.mu.Unlock()
	share := p.shares[source]
	if share == nil {
		share = semaphore.NewWeighted(p.half())
		p.shares[source] = share
	}
	return account{room: p.room, share: share}
}

// account is what one callback holds of a pool.
type account struct {
	room, share *semaphore.Weighted
	held        int64
}

// try takes bytes if there is room at once.
func (a *account) try(bytes int64) bool {
	if !a.share.TryAcquire(bytes) {
		return false
	}
	if !a.room.TryAcquire(bytes) {
		a.share.Release(bytes)
		return false
	}
	a.held += bytes
	return true
}

// wait takes bytes as soon as there is room: first of the source's own share, so
// that a source which has used it up keeps nobody else waiting.
func (a *account) wait(ctx context.Context, bytes int64) error {
	if err := a.share.Acquire(ctx, bytes); err != nil {
		return err
	}
	if err := a.room.Acquire(ctx, bytes); err != nil {
		a.share.Release(bytes)
		return err
	}
	a.held += bytes
	return nil
}

func (a *account) release() {
	a.room.Release(a.held)
	a.share.Release(a.held)
	a.held = 0
}

// lease is what one callback holds of the budget. It belongs to one goroutine.
type lease struct {
	receiving, handling account
	most                int64 // of handling
	waited              time.Duration
}

func (b *budget) lease(source string) lease {
	return lease{
		receiving: b.receiving.account(source), handling: b.handling.account(source), most: b.handling.half(),
	}
}

// receive takes room for bytes of the body that are about to arrive.
func (l *lease) receive(ctx context.Context, bytes int64) error {
	return l.take(ctx, &l.receiving, bytes)
}

// handle takes room for all that will be made of the body. A body that would take
// more than the share of its source takes all of it.
func (l *lease) handle(ctx context.Context, body []byte) error {
	return l.take(ctx, &l.handling, min(costOf(body), l.most))
}

// take adds bytes to an account, waiting when there is no room.
func (l *lease) take(ctx context.Context, a *account, bytes int64) error {
	if a.try(bytes) {
		return nil
	}
	begun := time.Now()
	ctx, cancel := context.WithTimeoutCause(ctx, budgetWait-l.waited, errBusy)
	defer cancel()
	err := a.wait(ctx, bytes)
	l.waited += time.Since(begun)
	if err != nil {
		return context.Cause(ctx)
	}
	return nil
}

// release gives everything back; the lease can be used again.
func (l *lease) release() {
	l.receiving.release()
	l.handling.release()
}

// costOf returns what a body will take while it is handled. Its members and items
// are counted by their separators, also as a form spells them. In another character
// set than UTF-8 a byte becomes up to maxDecoded ones.
func costOf(body []byte) int64 {
	members := count(body, ":", "%3A", "%3a")
	items := count(body, ",", "%2C", "%2c")
	size := int64(len(body))
	if !utf8.Valid(body) {
		size *= maxDecoded
	}
	return costFixed + costByte*size + costMember*members + costItem*items
}

func count(body []byte, spellings ...string) (n int64) {
	for _, s := range spellings {
		n += int64(bytes.Count(body, []byte(s)))
	}
	return n
}
