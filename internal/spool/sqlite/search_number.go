package sqlite

import (
	"errors"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// denseKeys is the number of keys of one block at which reading the calls is quicker
// than looking them up.
const denseKeys = 2000

const (
	oldestBlock  = `SELECT ifnull(min(block), 0) FROM number_keys`
	keysOfEnd    = `SELECT call_seq FROM number_keys WHERE block = ? AND digits >= ? AND digits < ?`
	keysOfNumber = `SELECT call_seq FROM number_keys WHERE block = ? AND digits = ?`
)

// byNumber searches the calls that have no keys yet, and then block by block. The end of what is indexed is asked for first: what is written
// meanwhile is found in either place.
func (q *callSearch) byNumber() error {
	indexed, err := dbfile.Int(q.conn, dbfile.IndexedTo)
	if err != nil {
		return err
	}
	oldest, err := dbfile.Int(q.conn, oldestBlock)
	if err != nil {
		return err
	}
	if q.filter.OldestFirst {
		return q.upwards(oldest, indexed)
	}
	if err := q.look(max(q.low, indexed)); err != nil || q.page.Next != "" {
		return err
	}
	q.low, q.high = max(q.low, oldest<<dbfile.BlockBits-1), min(q.high, indexed+1)
	for q.high > q.low+1 && !q.enough() {
		n := (q.high - 1) >> dbfile.BlockBits
		low := max(q.low, n<<dbfile.BlockBits-1)
		if err := q.block(n, low); err != nil || q.page.Next != "" {
			return err
		}
		q.high = low + 1
		q.last = q.high
	}
	return nil
}

// upwards searches block by block, oldest first, and then the calls that have no keys
// yet.
func (q *callSearch) upwards(oldest, indexed int64) error {
	high := q.high
	q.low = max(q.low, oldest<<dbfile.BlockBits-1)
	for last := min(high, indexed+1); q.low+1 < last && !q.enough(); {
		n := (q.low + 1) >> dbfile.BlockBits
		q.high = min(last, (n+1)<<dbfile.BlockBits)
		if err := q.block(n, q.low); err != nil || q.page.Next != "" {
			return err
		}
		q.low = q.high - 1
		q.last = q.low
	}
	if q.high = high; q.page.Next != "" {
		return nil
	}
	return q.look(max(q.low, indexed))
}

// block searches a part of one block: what is after low, and up to q.high.
func (q *callSearch) block(n, low int64) error {
	seqs, dense, err := q.candidates(n, low)
	switch {
	case err != nil:
		return err
	case dense:
		return q.look(low)
	default:
		return q.pick(seqs)
	}
}

// candidates returns the calls of a block that have the number, in their order; dense
// says that there are many.
func (q *callSearch) candidates(block, low int64) (seqs []int64, dense bool, err error) {
	collect := func(r *sqlite.Stmt) error {
		if dense = len(seqs) == denseKeys; dense {
			return errEnough
		}
		if seq := r.ColumnInt64(0); seq > low && seq < q.high {
			seqs = append(seqs, seq)
		}
		return nil
	}
	err = dbfile.Query(q.conn, keysOfEnd, collect, block, q.number.end, q.number.end+":") // ':' follows '9'
	for _, whole := range q.number.whole {
		if err == nil {
			err = dbfile.Query(q.conn, keysOfNumber, collect, block, whole)
		}
	}
	if errors.Is(err, errEnough) {
		return nil, true, nil
	}
	slices.Sort(seqs)
	seqs = slices.Compact(seqs) // both numbers of a call may be meant
	if !q.filter.OldestFirst {
		slices.Reverse(seqs)
	}
	return seqs, false, err
}

// pick reads the calls that were looked up.
func (q *callSearch) pick(seqs []int64) error {
	for _, seq := range seqs {
		if err := q.read(callBySeq, seq); err != nil || q.page.Next != "" {
			return err
		}
	}
	return nil
}

// look reads the calls after one, and up to q.high, for their numbers.
func (q *callSearch) look(after int64) error {
	q.looking = true
	defer func() { q.looking = false }()
	return q.between(after)
}

// wanted is a number as an operator types it, or the end of one. Keys are
// reversed digits, so that the end of a number is the begin of its key.
type wanted struct {
	// end is what keys begin with, the zeros in front of what was typed among it.
	end string
	// whole are the keys of the numbers that the text may mean: what is dialled
	// before a number is not a part of it.
	whole []string
}

// newWanted returns nil for a text without digits other than zeros.
func newWanted(typed string, readings func(typed string) []string) *wanted {
	digits := dbfile.SearchDigits(typed)
	if digits == "" {
		return nil
	}
	w := &wanted{end: digits + strings.Repeat("0", zerosInFront(typed)), whole: []string{digits}}
	if readings != nil {
		for _, number := range readings(typed) {
			w.whole = append(w.whole, dbfile.SearchDigits(number))
		}
	}
	slices.Sort(w.whole)
	w.whole = slices.Compact(w.whole)
	return w
}

func zerosInFront(typed string) (n int) {
	for _, c := range typed {
		switch {
		case c == '0':
			n++
		case c >= '1' && c <= '9':
			return n
		}
	}
	return n
}

// matches reports whether a key is that of a number that is wanted.
func (w *wanted) matches(key string) bool {
	return strings.HasPrefix(key, w.end) || slices.Contains(w.whole, key)
}
