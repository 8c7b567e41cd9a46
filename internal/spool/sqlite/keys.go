package sqlite

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
	"github.com/cdrelay/cdrelay/internal/wait"
)

// The keys by which a number is found are written behind the calls, some
// thousand at a time. A number may lie anywhere among the others, so that a key
// written with its call costs a page of the file, which is more than all the rest
// of the call; keys of many calls, sorted, share pages. For the same reason they
// lie in blocks: those of new calls go into the last one, which is small enough,
// however many calls are stored.
//
// Nothing is lost with what is not written yet: the table indexed tells how far
// the keys go, a search reads the calls after that one by one, and after a crash
// the keys are made from the records.

const (
	// indexStep is how many calls get their keys in one transaction.
	indexStep = 1024
	// indexIdle is how long fewer calls than that wait for theirs.
	indexIdle = 10 * time.Second
	// unindexedMax bounds the calls whose keys are held in memory; they are read
	// again where the disk is so far behind.
	unindexedMax = 16 * indexStep
	// unindexedBytes bounds the bytes of those keys: what a platform sends in the
	// place of a number may be long.
	unindexedBytes = 2 << 20
)

const (
	callsToRead = `SELECT seq, record FROM calls WHERE seq > ? AND seq <= ? ORDER BY seq`
	insertKey   = `INSERT OR IGNORE INTO number_keys(block, digits, call_seq) VALUES (?, ?, ?)`
	deleteKey   = `DELETE FROM number_keys WHERE block = ? AND digits = ? AND call_seq = ?`
)

// searchKey says that a call has a number.
type searchKey struct {
	digits string
	seq    int64
}

// unindexed holds the keys of the calls accepted last.
type unindexed struct {
	ripe chan struct{} // told when there are enough for a step

	mu   sync.Mutex // guards everything below
	from int64      // all calls after it are here
	last int64
	keys []searchKey // by seq
	// bytes are those of the keys.
	bytes int
}

func newUnindexed() *unindexed { return &unindexed{ripe: make(chan struct{}, 1)} }

// begin says that calls up to one are in the file only.
func (u *unindexed) begin(last int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.from, u.last, u.keys, u.bytes = last, last, nil, 0
}

// add takes the keys of a call that was committed.
func (u *unindexed) add(seq int64, digits []string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.last = seq
	for _, d := range digits {
		u.keys = append(u.keys, searchKey{digits: d, seq: seq})
		u.bytes += len(d)
	}
	if u.last-u.from > unindexedMax || u.bytes > unindexedBytes {
		u.from, u.keys, u.bytes = seq, nil, 0
		return
	}
	if u.last-u.from >= indexStep {
		nudge(u.ripe)
	}
}

// keyStep is what one transaction writes: the keys of the calls after one and up
// to another.
type keyStep struct {
	after, to int64
	keys      []searchKey
}

func (k *keyStep) empty() bool { return k.to <= k.after }

// step returns the next step, with its keys where they are here.
func (u *unindexed) step(after int64) (s keyStep, here bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if after < u.from {
		return keyStep{after: after, to: min(u.from, after+indexStep)}, false
	}
	s = keyStep{after: after, to: min(u.last, after+indexStep)}
	if !s.empty() {
		s.keys = slices.Clone(u.keys[u.after(s.after):u.after(s.to)])
	}
	return s, true
}

// after returns the place of the first key of a call after one.
func (u *unindexed) after(seq int64) int {
	n, _ := slices.BinarySearchFunc(u.keys, seq+1, func(k searchKey, seq int64) int { return cmp.Compare(k.seq, seq) })
	return n
}

// written forgets the keys of calls up to one.
func (u *unindexed) written(to int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if to > u.from {
		n := u.after(to)
		for _, k := range u.keys[:n] {
			u.bytes -= len(k.digits)
		}
		u.from, u.keys = to, slices.Delete(u.keys, 0, n)
	}
}

// keepIndexed writes search keys behind the calls, until ctx ends, and then those
// that are in memory, so that no start has to read the calls for them.
func (s *Store) keepIndexed(ctx context.Context) {
	idle := time.NewTicker(indexIdle)
	defer idle.Stop()
	for {
		for ctx.Err() == nil {
			begun := time.Now()
			step, here, err := s.index(ctx)
			if err != nil || step.empty() || here && s.last.Load() < step.to+indexStep {
				break
			}
			if !here {
				_ = wait.For(ctx, time.Since(begun)) // there may be millions to read, and they can wait
			}
		}
		select {
		case <-s.unindexed.ripe:
		case <-idle.C:
		case <-ctx.Done():
			s.indexRest(context.WithoutCancel(ctx))
			return
		}
	}
}

func (s *Store) indexRest(ctx context.Context) {
	for {
		if step, here, err := s.index(ctx); err != nil || step.empty() || !here {
			return
		}
	}
}

// index writes one step of keys, and tells whether they were in memory. An error
// needs nobody's care: the calls are found all the same.
func (s *Store) index(ctx context.Context) (step keyStep, here bool, err error) {
	err = s.houseRd.do(ctx, func(c *sqlite.Conn) error {
		after, err := dbfile.Int(c, dbfile.IndexedTo)
		if err != nil {
			return err
		}
		if step, here = s.unindexed.step(after); here {
			return nil
		}
		return step.read(c)
	})
	if err != nil || step.empty() {
		return step, here, err
	}
	if err := s.writeKeys(ctx, step); err != nil {
		s.log.Debug("search keys could not be written", "error", err)
		return step, here, err
	}
	s.unindexed.written(step.to)
	return step, here, nil
}

// read makes the keys from the records.
func (k *keyStep) read(c *sqlite.Conn) error {
	return dbfile.Query(c, callsToRead, func(r *sqlite.Stmt) error {
		seq := r.ColumnInt64(0)
		for _, digits := range dbfile.NumberKeys(decodeLeniently(dbfile.Bytes(r, 1))) {
			k.keys = append(k.keys, searchKey{digits: digits, seq: seq})
		}
		return nil
	}, k.after, k.to)
}

// writeKeys writes a step. Calls that were erased since get none, and a file that
// has taken the place of another is asked anew.
func (s *Store) writeKeys(ctx context.Context, k keyStep) error {
	slices.SortFunc(k.keys, func(a, b searchKey) int {
		return cmp.Or(cmp.Compare(a.seq>>dbfile.BlockBits, b.seq>>dbfile.BlockBits), cmp.Compare(a.digits, b.digits), cmp.Compare(a.seq, b.seq))
	})
	return s.writer.wait(ctx, "index", func(t *tx) error {
		after, err := dbfile.Int(t.conn, dbfile.IndexedTo)
		if err != nil || after != k.after {
			return err
		}
		there, err := dbfile.Ints(t.conn, `SELECT seq FROM calls WHERE seq > ? AND seq <= ? ORDER BY seq`, k.after, k.to)
		if err != nil {
			return err
		}
		for _, key := range k.keys {
			if _, is := slices.BinarySearch(there, key.seq); !is {
				continue
			}
			if err := dbfile.Execute(t.conn, insertKey, key.seq>>dbfile.BlockBits, key.digits, key.seq); err != nil {
				return err
			}
		}
		return dbfile.Execute(t.conn, `UPDATE indexed SET up_to = ?`, k.to)
	})
}
