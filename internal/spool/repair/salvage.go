package repair

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// rebuild copies what can be read of the damaged file into a new one, and only
// then returns the damaged one another name and the new one its place: a crash at
// any moment leaves one of them to go on from, and so does the end of the context.
// Where an earlier rebuild of the same file was cut short, it goes on there.
func rebuild(ctx context.Context, cfg spool.Config, kept string, m dbfile.Known, tell func(progress)) (r rescue, err error) {
	path := cfg.Path
	// From here on the file may look sound to SQLite although rows are missing.
	if err := dbfile.WriteMark(path, dbfile.MarkSalvage+kept+"\n"); err != nil {
		return r, err
	}
	if err := makeReadable(path, kept); err != nil {
		return r, err
	}
	of, err := describeDamaged(path)
	if err != nil {
		return r, err
	}
	cfg.Path = dbfile.Salvaged(path)
	conn, p, err := openFresh(ctx, cfg, of)
	if err != nil {
		return r, err
	}
	if tell != nil {
		tell(p)
	}
	if m != nil {
		err = m.Write(conn)
	}
	if err == nil {
		err = salvage(ctx, &pace{to: conn, progress: &p, tell: tell, committed: time.Now()}, path, m)
	}
	if err == nil {
		err = dbfile.KeepBytes(conn, time.Now(), 0, 0, "damaged file kept as "+kept, nil)
	}
	if err := errors.Join(err, conn.Close()); err != nil {
		if dbfile.IsDamage(err) { // of the new file, which is no use then
			err = errors.Join(err, dbfile.RemoveCompanions(cfg.Path))
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
	mark, err := os.ReadFile(dbfile.SuspectMark(path))
	if name, ok := strings.CutPrefix(strings.TrimSpace(string(mark)), dbfile.MarkSalvage); err == nil && ok {
		if there, err := dbfile.IsThere(name); err == nil && !there && strings.HasPrefix(name, path) {
			return name
		}
	}
	return dbfile.DamagedName(path)
}

// finishSalvage gives a whole salvaged file its place, where the damaged one has
// left it. The damaged one's WAL must not stay beside the new one.
func finishSalvage(path, kept string) error {
	if err := finishWAL(path); err != nil {
		return err
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if _, err := os.Stat(dbfile.Salvaged(path)); err != nil {
		return dbfile.IgnoreMissing(err)
	}
	if err := dbfile.RemoveIfThere(path + "-shm"); err != nil { // an index of the WAL, no data
		return err
	}
	for _, move := range [][2]string{{path + "-wal", kept + "-wal"}, {dbfile.Salvaged(path), path}} {
		if err := dbfile.RenameIfThere(move[0], move[1]); err != nil {
			return err
		}
	}
	return dbfile.SyncFolder(path)
}

// straighten deals with rows that were read and make no sense: a delivery in no
// known state waits, since to deliver twice is better than not at all; a dead
// letter of no known kind is set aside.
func straighten(c *sqlite.Conn, now time.Time) (orphans int, err error) {
	const senseless = `dead_letters WHERE stage NOT IN ('intake', 'delivery') OR stage = 'intake' AND body IS NULL AND body_hash IS NULL`
	if err := dbfile.ExecuteAll(c,
		`UPDATE deliveries SET state = 1, due = 0 WHERE typeof(state) <> 'integer' OR state NOT BETWEEN -1 AND 8`,
		`UPDATE deliveries SET state = 1 WHERE state = 0 AND due <> 0`,
	); err != nil {
		return 0, err
	}
	if err := dbfile.Execute(c, `INSERT INTO set_aside(at, call_seq, lane, reason, bytes)
		SELECT ?, ifnull(call_seq, 0), lane, 'the kind of a dead letter was lost', body FROM `+senseless, dbfile.Millis(now)); err != nil {
		return 0, err
	}
	orphans = c.Changes()
	return orphans, dbfile.Execute(c, `DELETE FROM `+senseless)
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
		if err := dbfile.Execute(c, `INSERT INTO set_aside(at, call_seq, lane, reason) SELECT ?, call_seq, lane, ? FROM `+lost.from, dbfile.Millis(now), lost.reason); err != nil {
			return orphans, err
		}
		orphans += c.Changes()
	}
	return orphans, dbfile.ExecuteAll(c,
		`DELETE FROM deliveries WHERE `+callLost,
		`DELETE FROM dead_letters WHERE stage = 'delivery' AND `+callLost,
		`DELETE FROM event_calls WHERE `+callLost,
		`UPDATE deliveries SET state = 6 WHERE `+letterLost,
		`UPDATE deliveries SET state = 5 WHERE state <> 5 AND (call_seq, lane) IN (SELECT call_seq, lane FROM dead_letters WHERE stage = 'delivery')`,
		`INSERT OR IGNORE INTO deliveries(call_seq, lane, state, due, since) SELECT call_seq, lane, 5, 0, created_at FROM dead_letters WHERE stage = 'delivery'`,
		`INSERT OR IGNORE INTO lanes(id, name) SELECT DISTINCT lane, 'lost-' || lane FROM deliveries`,
		`UPDATE deliveries SET successor = 1 WHERE state < 4`, // costs one look when it ends
		`UPDATE deliveries SET state = 1 WHERE state = 3 AND NOT EXISTS (
			SELECT 1 FROM calls this JOIN calls c ON c.call_id = this.call_id AND c.revision < this.revision
			JOIN deliveries d ON d.call_seq = c.seq WHERE this.seq = deliveries.call_seq AND d.lane = deliveries.lane AND d.state < 4)`,
		`UPDATE counted SET calls = (SELECT count(*) FROM calls), up_to = `+dbfile.LastSeq,
		`DELETE FROM shares`,
		dbfile.CountShares,
	)
}
