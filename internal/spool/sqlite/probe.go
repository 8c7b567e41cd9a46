package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// probeBytes is what a probe writes: what the largest callback brings, with room
// to spare.
const probeBytes = 2 << 20

// writeMuch commits a row of that size and its end in one: secure_delete has all
// its pages written all the same, to the files that matter.
func writeMuch(c *sqlite.Conn) error {
	return dbfile.Transact(c, func() error {
		if err := dbfile.Execute(c, `INSERT INTO set_aside(at, call_seq, lane, reason, bytes) VALUES (0, 0, 0, 'probe', zeroblob(?))`, probeBytes); err != nil {
			return err
		}
		return dbfile.Execute(c, `DELETE FROM set_aside WHERE id = ?`, c.LastInsertRowID())
	})
}

// probe finds out whether a disk that refused a commit takes a large write again,
// once no commit has failed for a moment. Nothing else makes the disk count as
// well: a full one that takes a small callback now and then, or one that nobody
// writes to, would be ready and not ready by turns.
func (w *writer) probe(ctx context.Context, write func(*sqlite.Conn) error) {
	if !w.rested() {
		return
	}
	switch err := w.between(ctx, write); {
	case err == nil:
		w.well()
	case isStorage(err):
		w.metrics.failed("probe")
		w.note(err)
	}
}

// rested reports whether the disk refused something, and nothing for a moment.
func (w *writer) rested() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.restedLocked()
}

func (w *writer) restedLocked() bool {
	return w.broken != nil && w.away == nil && w.clock.now().Sub(w.failed) >= calm
}

// well notes that the disk is well again, unless it refused something meanwhile.
func (w *writer) well() {
	w.mu.Lock()
	well := w.restedLocked()
	if well {
		w.broken = nil
	}
	w.mu.Unlock()
	if well {
		w.log.Info("the spool writes again")
	}
}
