package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// replaceDamaged sets the damaged file aside, puts one with what can be read of
// it in its place, and says so.
func (s *Store) replaceDamaged(ctx context.Context, m memory, damage error) error {
	kept := keptAs(s.cfg.Path)
	s.log.Error("the spool file is damaged and is set aside; what can be read of it is saved", "file", s.cfg.Path, "kept_as", kept, "damage", damage)
	r, err := rebuild(ctx, s.present(), kept, m, s.tellSalvage)
	if err != nil {
		return err
	}
	s.asides.Add(1)
	for _, t := range r.Tables {
		if t.Lost > 0 || !t.Complete {
			s.log.Error("rows of the damaged file are lost", "table", t.Table, "saved", t.Saved, "lost", t.Lost, "perhaps_more", !t.Complete)
		}
	}
	s.log.Warn("what could be read of the damaged file was saved", "rows", r.saved(), "tables_cut_short", r.Cut, "deliveries_without_call", r.Orphans)
	return nil
}

// tellSalvage tells how far a salvage has come.
func (s *Store) tellSalvage(p progress) {
	table, rows := "", p.Found.saved()+p.Now.Saved
	if p.Source < len(sources()) {
		table = sources()[p.Source].table
	}
	s.log.Info("what can be read of the damaged file is being saved", "rows", rows, "table", table)
	s.opening(fmt.Sprintf("what can be read of a damaged file is being saved, %d rows so far", rows))
}

// opening tells what an Open is at that takes its time.
func (s *Store) opening(what string) {
	if s.deps.OnOpening != nil {
		s.deps.OnOpening(what)
	}
}

// rebuild copies what can be read of the damaged file into a new one, and only
// then gives the damaged one another name and the new one its place: a crash at
// any moment leaves one of them to go on from, and so does the end of the context.
// Where an earlier rebuild of the same file was cut short, it goes on there.
func rebuild(ctx context.Context, cfg spool.Config, kept string, m memory, tell func(progress)) (r rescue, err error) {
	path := cfg.Path
	// From here on the file may look sound to SQLite although rows are missing.
	if err := writeMark(path, markSalvage+kept+"\n"); err != nil {
		return r, err
	}
	if err := makeReadable(path, kept); err != nil {
		return r, err
	}
	of, err := describeDamaged(path)
	if err != nil {
		return r, err
	}
	cfg.Path = salvaged(path)
	conn, p, err := openFresh(ctx, cfg, of)
	if err != nil {
		return r, err
	}
	if tell != nil {
		tell(p)
	}
	if err = m.write(conn); err == nil {
		err = salvage(ctx, &pace{to: conn, progress: &p, tell: tell, committed: time.Now()}, path, m)
	}
	if err == nil {
		err = keepBytes(conn, time.Now(), 0, 0, "damaged file kept as "+kept, nil)
	}
	if err := errors.Join(err, conn.Close()); err != nil {
		if isDamage(err) { // of the new file, which is no use then
			err = errors.Join(err, removeCompanions(cfg.Path))
		}
		return p.Found, err
	}
	if wal, err := os.Stat(path + "-wal"); err == nil && wal.Size() == 0 { // of the read-only connection
		if err := os.Remove(path + "-wal"); err != nil {
			return p.Found, err
		}
	}
	if err := os.Rename(path, kept); err != nil {
		return p.Found, err
	}
	return p.Found, finishSalvage(path, kept)
}

// keptAs is the name under which a damaged file is kept: that of the salvage that
// was cut short, or a new one.
func keptAs(path string) string {
	mark, err := os.ReadFile(suspectMark(path))
	if name, ok := strings.CutPrefix(strings.TrimSpace(string(mark)), markSalvage); err == nil && ok {
		if there, err := isThere(name); err == nil && !there && strings.HasPrefix(name, path) {
			return name
		}
	}
	return damagedName(path)
}

// companions are the suffixes of the files that belong together.
func companions() []string { return []string{"-wal", "-shm", ""} }

func removeCompanions(path string) error {
	for _, suffix := range companions() {
		if err := removeIfThere(path + suffix); err != nil {
			return err
		}
	}
	return nil
}

// damagedName is where a damaged file is kept.
func damagedName(path string) string {
	return path + ".damaged-" + time.Now().UTC().Format("20060102T150405.000")
}

func salvaged(path string) string { return path + ".salvaged" }

// finishSalvage gives a whole salvaged file its place, where the damaged one has
// left it. The damaged one's WAL must not stay beside the new one.
func finishSalvage(path, kept string) error {
	if err := finishWAL(path); err != nil {
		return err
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(salvaged(path)); err != nil {
		return ignoreMissing(err)
	}
	if err := removeIfThere(path + "-shm"); err != nil { // an index of the WAL, no data
		return err
	}
	for _, move := range [][2]string{{path + "-wal", kept + "-wal"}, {salvaged(path), path}} {
		if err := renameIfThere(move[0], move[1]); err != nil {
			return err
		}
	}
	return syncFolder(path)
}

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func renameIfThere(from, to string) error { return ignoreMissing(os.Rename(from, to)) }

func removeIfThere(path string) error { return ignoreMissing(os.Remove(path)) }

// straighten deals with rows that were read and make no sense: a delivery in no
// known state waits, since to deliver twice is better than not at all; a dead
// letter of no known kind is set aside.
func straighten(c *sqlite.Conn, now time.Time) (orphans int, err error) {
	const senseless = `dead_letters WHERE stage NOT IN ('intake', 'delivery') OR stage = 'intake' AND body IS NULL AND body_hash IS NULL`
	for _, sql := range []string{
		`UPDATE deliveries SET state = 1, due = 0 WHERE typeof(state) <> 'integer' OR state NOT BETWEEN -1 AND 6`,
		`UPDATE deliveries SET state = 1 WHERE state = 0 AND due <> 0`,
	} {
		if err := execute(c, sql); err != nil {
			return 0, err
		}
	}
	if err := execute(c, `INSERT INTO set_aside(at, call_seq, lane, reason, bytes)
		SELECT ?, ifnull(call_seq, 0), lane, 'the kind of a dead letter was lost', body FROM `+senseless, millis(now)); err != nil {
		return 0, err
	}
	orphans = c.Changes()
	return orphans, execute(c, `DELETE FROM `+senseless)
}

// untangle makes what was saved consistent: it reports and ends what refers to
// rows that were lost, and gives lanes whose name was lost another one. Rows of
// lost calls must go, since their numbers will be given out again.
func untangle(c *sqlite.Conn, now time.Time) (orphans int, err error) {
	const callLost = `call_seq NOT IN (SELECT seq FROM calls)`
	const letterLost = `state = 5 AND (call_seq, lane) NOT IN (SELECT call_seq, lane FROM dead_letters WHERE stage = 'delivery')`
	if orphans, err = straighten(c, now); err != nil {
		return orphans, err
	}
	for _, lost := range []struct{ from, reason string }{
		{`deliveries WHERE state < 4 AND ` + callLost, "the call of a waiting delivery was lost"},
		{`dead_letters WHERE stage = 'delivery' AND ` + callLost, "the call of a dead letter was lost"},
		{`deliveries WHERE ` + letterLost, "the dead letter of a delivery was lost"},
	} {
		if err := execute(c, `INSERT INTO set_aside(at, call_seq, lane, reason) SELECT ?, call_seq, lane, ? FROM `+lost.from, millis(now), lost.reason); err != nil {
			return orphans, err
		}
		orphans += c.Changes()
	}
	for _, sql := range []string{
		`DELETE FROM deliveries WHERE ` + callLost,
		`DELETE FROM dead_letters WHERE stage = 'delivery' AND ` + callLost,
		`UPDATE deliveries SET state = 6 WHERE ` + letterLost,
		`UPDATE deliveries SET state = 5 WHERE state <> 5 AND (call_seq, lane) IN (SELECT call_seq, lane FROM dead_letters WHERE stage = 'delivery')`,
		`INSERT OR IGNORE INTO deliveries(call_seq, lane, state, due, since) SELECT call_seq, lane, 5, 0, created_at FROM dead_letters WHERE stage = 'delivery'`,
		`INSERT OR IGNORE INTO lanes(id, name) SELECT DISTINCT lane, 'lost-' || lane FROM deliveries`,
		`UPDATE deliveries SET successor = 1 WHERE state < 4`, // costs one look when it ends
		`UPDATE deliveries SET state = 1 WHERE state = 3 AND NOT EXISTS (
			SELECT 1 FROM calls this JOIN calls c ON c.call_id = this.call_id AND c.revision < this.revision
			JOIN deliveries d ON d.call_seq = c.seq WHERE this.seq = deliveries.call_seq AND d.lane = deliveries.lane AND d.state < 4)`,
		`UPDATE counted SET calls = (SELECT count(*) FROM calls), up_to = ` + lastSeq,
		`DELETE FROM shares`,
		countShares,
	} {
		if err := execute(c, sql); err != nil {
			return orphans, err
		}
	}
	return orphans, nil
}
