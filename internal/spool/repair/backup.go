package repair

import (
	"context"
	"errors"
	"fmt"
	"os"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// ErrSound says that a spool is not damaged, so that there is nothing to salvage.
var ErrSound = errors.New("the spool is sound")

// SalvageReport is what a salvage did.
type SalvageReport struct {
	Path string `json:"path"`
	// Kept is the damaged file's new name; its companions have names that begin
	// alike.
	Kept string `json:"kept_as"`
	// Found is what was wrong; empty where a sound file was built anew.
	Found  []Finding     `json:"found"`
	Tables []TableRescue `json:"tables"`
	// Unreadable are records of calls that wait and cannot be read; their bytes
	// are in the table set_aside.
	Unreadable int `json:"unreadable"`
	// Orphans are deliveries and dead letters whose call is lost; the table
	// set_aside names them.
	Orphans int `json:"orphans"`
}

// Salvage does by hand what a start does with a damaged file, and tells more: it
// sets the file aside and saves what can be read of it into a new one. No server
// may have the spool open. A sound file is left as it is, with ErrSound, unless
// forced.
func Salvage(ctx context.Context, cfg spool.Config, force bool) (report SalvageReport, err error) {
	cfg = cfg.WithDefaults()
	if cfg.Path, err = dbfile.Locate(cfg.Path); err != nil {
		return SalvageReport{}, err
	}
	lock, _, err := dbfile.Own(cfg.Path)
	if err != nil {
		return SalvageReport{}, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	report = SalvageReport{Path: cfg.Path, Kept: keptAs(cfg.Path), Found: []Finding{}, Tables: []TableRescue{}}
	if err := finishSalvage(cfg.Path, report.Kept); err != nil {
		return report, err
	}
	found, err := check(ctx, cfg.Path)
	if err != nil {
		return report, err
	}
	if found.Sound() && !force {
		return report, ErrSound
	}
	report.Found = found.Findings
	r, err := rebuild(ctx, cfg, report.Kept, byCommand{report.Kept}, nil)
	report.Tables, report.Orphans, report.Unreadable = r.Tables, r.Orphans, r.Unreadable
	if err != nil {
		return report, err
	}
	return report, dbfile.RemoveIfThere(dbfile.SuspectMark(cfg.Path))
}

// BackupReport is what a backup holds.
type BackupReport struct {
	Path    string           `json:"path"`
	Bytes   int64            `json:"bytes"`
	Rows    map[string]int64 `json:"rows"`
	Waiting int64            `json:"waiting"`
}

// Backup copies a spool, as it is at one moment, into a new file, and checks the
// copy. A server may have the spool open, and goes on: the backup reads by a
// connection of its own and takes no lock that a writer waits for. Until it has
// read all, the server's WAL cannot be begun anew and grows by what is written.
func Backup(ctx context.Context, path, to string) (report BackupReport, err error) {
	if path, err = dbfile.Find(path); err != nil {
		return report, err
	}
	if _, err := os.Stat(path); err != nil {
		return report, fmt.Errorf("there is no spool to back up: %w", err)
	}
	if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
		return report, errors.Join(err, fmt.Errorf("%s is there already: a backup overwrites nothing", to))
	}
	part := fmt.Sprintf("%s.part-%d", to, os.Getpid())
	defer func() { err = errors.Join(err, dbfile.RemoveCompanions(part), dbfile.RemoveIfThere(part+"-journal")) }()
	if err := copyFile(ctx, path, part); err != nil {
		return report, fmt.Errorf("backup of %s: %w", path, err)
	}
	found, err := check(ctx, part)
	if err != nil {
		return report, err
	}
	if !found.Sound() {
		return report, fmt.Errorf("the copy is damaged (%s), and so is the spool: run `cdrelay spool check`", found.Findings[0].What)
	}
	if err := renameNew(part, to); err != nil {
		return report, err
	}
	return BackupReport{Path: to, Bytes: found.Bytes, Rows: found.Rows, Waiting: found.Waiting}, dbfile.SyncFolder(to)
}

// renameNew gives a file a name that nothing has. A link, unlike a renaming,
// never takes the place of another file; some file systems have none.
func renameNew(from, to string) error {
	err := os.Link(from, to)
	if err == nil || errors.Is(err, os.ErrExist) {
		return err
	}
	if _, err := os.Lstat(to); !errors.Is(err, os.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("%s is there already", to))
	}
	return os.Rename(from, to)
}

// copyFile copies one snapshot of a spool and syncs it.
func copyFile(ctx context.Context, path, to string) (err error) {
	src, done, err := openToCopy(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, src.Close(), done()) }()
	src.SetBusyTimeout(dbfile.BusyTimeout)
	src.SetInterrupt(ctx.Done())
	if _, err := dbfile.Identify(src); err != nil {
		return err
	}
	return dbfile.CopyInto(ctx, path, src, to)
}

// openToCopy opens a spool for a backup, with or without a server that has it
// open. A file without a WAL, which no server has open, is held meanwhile and
// read in a way that leaves nothing beside it: a WAL would look like an unclean
// stop.
func openToCopy(path string) (*sqlite.Conn, func() error, error) {
	none := func() error { return nil }
	lock, err := dbfile.LockExisting(path)
	if err != nil { // a server runs, most likely
		c, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
		return c, none, err
	}
	wal, err := dbfile.IsThere(path + "-wal")
	if err == nil && !wal {
		c, err := dbfile.OpenInspected(path, false)
		if err == nil {
			return c, lock.Release, nil
		}
		return nil, nil, errors.Join(err, lock.Release())
	}
	w, werr := readWAL(path)
	if err := errors.Join(err, werr, w.damage(), lock.Release()); err != nil {
		return nil, nil, err
	}
	c, err := sqlite.OpenConn(path, sqlite.OpenReadOnly) // closing it moves no WAL
	return c, none, err
}
