package repair

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// Finding is one kind of damage that a check found.
type Finding struct {
	// What says what is wrong, in words.
	What string `json:"what"`
	// Count is how often, 1 where that cannot be told.
	Count int64 `json:"count"`
	// Example names one place.
	Example string `json:"example,omitempty"`
	// Remedy says what to do.
	Remedy string `json:"remedy"`
}

// CheckReport is what a check found.
type CheckReport struct {
	Path   string `json:"path"`
	Bytes  int64  `json:"bytes"`
	Schema int64  `json:"schema_version"`
	// Rows counts the rows of each table that could be read.
	Rows map[string]int64 `json:"rows"`
	// Waiting counts deliveries that are still owed.
	Waiting int64 `json:"waiting"`
	// Notes are no damage.
	Notes    []string  `json:"notes"`
	Findings []Finding `json:"findings"`
}

// Sound reports whether nothing is damaged.
func (r *CheckReport) Sound() bool { return len(r.Findings) == 0 }

func (r *CheckReport) find(what string, n int64, example, remedy string) {
	r.Findings = append(r.Findings, Finding{What: what, Count: n, Example: example, Remedy: remedy})
}

const (
	remedySalvage = "run `cdrelay spool salvage`, or start the server: both keep this file aside and save what can be read"
	remedyEmpty   = "put a backup in its place, or start the server: it keeps this file aside and begins a new one"
	// complaints bounds what is told of SQLite's own check.
	complaints = 20
)

// Check reads a spool that no server has open: the WAL, the whole file with
// SQLite's own check, and whether what the rows say of each other is true. It
// changes nothing. Its error is about the check itself: no such file, a server
// that runs, a file of a newer version or of another program.
func Check(ctx context.Context, path string) (report CheckReport, err error) {
	if path, err = dbfile.Find(path); err != nil {
		return CheckReport{}, err
	}
	lock, err := dbfile.LockExisting(path)
	if err != nil {
		return CheckReport{}, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	return check(ctx, path)
}

// check is Check for who holds the lock.
func check(ctx context.Context, path string) (CheckReport, error) {
	r := CheckReport{Path: path, Rows: map[string]int64{}, Notes: []string{}, Findings: []Finding{}}
	info, err := os.Stat(path)
	if err != nil {
		return r, fmt.Errorf("there is no spool to check: %w", err)
	}
	r.Bytes = info.Size()
	r.besides(path)
	w, err := readWAL(path)
	if err != nil {
		return r, err
	}
	if r.Bytes == 0 {
		r.find("the file is empty", 1, "", remedyEmpty)
		return r, nil
	}
	if err := w.damage(); err != nil {
		r.find(err.Error(), 1, path+"-wal", remedySalvage)
	}
	return r, inspect(path, func(c *sqlite.Conn) error {
		c.SetInterrupt(ctx.Done())
		i := inspector{conn: c, report: &r}
		err := i.run()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case dbfile.IsDamage(err):
			r.find("the file cannot be read to its end: "+err.Error(), 1, "", remedySalvage)
			return nil
		}
		return err
	})
}

// besides notes the files that lie beside the spool.
func (r *CheckReport) besides(path string) {
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		r.Notes = append(r.Notes, "the last stop was unclean: the latest commits are in the WAL and count")
	}
	switch mark, err := os.ReadFile(dbfile.SuspectMark(path)); {
	case err != nil: // none
	case strings.HasPrefix(string(mark), dbfile.MarkSalvage):
		r.Notes = append(r.Notes, "a salvage was cut short: the next start, or `cdrelay spool salvage --force`, goes on with it")
	default:
		r.Notes = append(r.Notes, "a server met damage in this file; the next start looks at all of it")
	}
	for _, name := range dbfile.Beside(path, ".damaged-*") {
		r.Notes = append(r.Notes, "an earlier damaged file is kept as "+name)
	}
	for _, name := range dbfile.Beside(path, ".saved-*") {
		r.Notes = append(r.Notes, "calls that were accepted while another file was here are saved as "+name)
	}
}

// inspect opens a file that nobody writes, for reading only. The index of the WAL,
// which SQLite makes anew, is put back: it may know of commits that were lost.
func inspect(path string, f func(*sqlite.Conn) error) (err error) {
	wal, err := dbfile.IsThere(path + "-wal")
	if err != nil {
		return err
	}
	index, ierr := os.ReadFile(path + "-shm")
	c, err := dbfile.OpenInspected(path, wal)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, c.Close())
		if ierr == nil {
			err = errors.Join(err, os.WriteFile(path+"-shm", index, 0o600))
		}
	}()
	return f(c)
}
