package sqlite

import (
	"net/url"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// walkStep is how many dead letters a walk reads at a time.
const walkStep = 500

// letterWalk reads one page of dead letters, of which each is looked at.
type letterWalk struct {
	store  *Store
	conn   *sqlite.Conn
	filter spool.LetterFilter
	limit  int
	pace   pace
	number *wanted

	page []spool.DeadLetter
	last string // the one that was looked at last
	more bool   // the page ends before all were looked at
}

func (w *letterWalk) run(ranges []letterRange) error {
	for _, r := range ranges {
		for whole := true; whole && !w.more; {
			some, err := w.store.lettersIn(w.conn, w.filter, r, walkStep)
			if err == nil {
				err = w.look(some)
			}
			if err != nil {
				return err
			}
			if whole = len(some) == walkStep; w.filter.OldestFirst {
				r.above = w.last
			} else {
				r.below = w.last
			}
		}
	}
	return nil
}

// look picks those that the filter selects. Each page looks at one at least.
func (w *letterWalk) look(some []spool.DeadLetter) error {
	for _, l := range some {
		if len(w.page) == w.limit || w.pace.over() && w.last != "" {
			w.more = true
			return nil
		}
		w.last = l.ID
		selected, err := w.selects(l)
		if err != nil {
			return err
		}
		if selected {
			w.page = append(w.page, l)
		}
	}
	return nil
}

func (w *letterWalk) selects(l spool.DeadLetter) (selected bool, err error) {
	f := w.filter
	if f.Source != "" && f.Source != l.Source || f.Answer != "" && f.Answer != spool.AnswerOf(l.Detail) {
		return false, nil
	}
	if w.number == nil {
		return f.Number == "", nil
	}
	if l.Stage == spool.StageIntake {
		err = dbfile.Query(w.conn, letterBody, func(r *sqlite.Stmt) error {
			body := dbfile.Bytes(r, 0)
			w.pace.read(len(body))
			selected = w.number.within(string(body))
			return nil
		}, l.ID)
		return selected, err
	}
	err = dbfile.Query(w.conn, letterCall, func(r *sqlite.Stmt) error {
		record := dbfile.Bytes(r, 0)
		w.pace.read(len(record))
		selected = slices.ContainsFunc(dbfile.NumberKeys(decodeLeniently(record)), w.number.matches)
		return nil
	}, l.ID)
	return selected, err
}

// within reports whether the number is in a text, which may be a form: as a run of
// digits, or as several with the signs between them that people write into numbers.
func (w *wanted) within(text string) bool {
	if form, err := url.QueryUnescape(text); err == nil {
		text += "&" + form
	}
	notDigit := func(c rune) bool { return c < '0' || c > '9' }
	for field := range strings.FieldsFuncSeq(text, func(c rune) bool { return notDigit(c) && !strings.ContainsRune(" -./()", c) }) {
		var whole []byte
		for run := range strings.FieldsFuncSeq(field, notDigit) {
			whole = append(whole, run...)
			if w.matches(dbfile.SearchDigits(run)) || w.matches(dbfile.SearchDigits(string(whole))) {
				return true
			}
		}
	}
	return false
}
