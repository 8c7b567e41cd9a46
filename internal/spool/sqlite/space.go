package sqlite

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// watchSpace measures, makes room near the limit, and probes a disk that refused
// the last commit, once there is room for what the probe writes.
func (s *Store) watchSpace(ctx context.Context, room *sweep) {
	if isFull(s.writer.refusedWith()) {
		s.releaseReserve()
	}
	used, d := s.measure(ctx)
	if limit := s.limit.Load(); used > limit/10*9 && room.rested(time.Now()) {
		s.makeRoom(ctx, room)
		used, d = s.measure(ctx)
	}
	if used >= s.limit.Load() {
		s.emptyWAL(ctx)
		used, d = s.measure(ctx)
	}
	limit := s.limit.Load()
	// Once full, it stays so until some room is gained, so that the state does
	// not change with every delivery, nor with the WAL, which comes and goes.
	s.setFull(used >= limit || s.full.Load() && used >= min(limit/100*97, limit-s.usualWAL(d)))
	s.boundStuckWAL(d)
	if limit-used >= probeBytes {
		s.writer.probe(ctx, writeMuch)
	}
	s.holdReserve()
}

func (s *Store) setFull(full bool) {
	switch was := s.full.Swap(full); {
	case full && !was && s.diskDecides():
		s.log.Error("the disk is filled by waiting calls and dead letters, or by other files; callbacks are answered 503", "limit", spool.Bytes(s.limit.Load()))
	case full && !was:
		s.log.Error("spool.max_bytes is filled by waiting calls and dead letters; callbacks are answered 503", "max_bytes", s.limits.Load().MaxBytes)
	case !full && was:
		s.log.Info("the spool has room again")
	}
}

// diskDecides reports whether the disk holds less than max_bytes.
func (s *Store) diskDecides() bool { return s.limit.Load() < int64(s.limits.Load().MaxBytes) }

// makeRoom erases delivered history, oldest first, until no more than eight tenths
// of the limit are in use or no history is left.
func (s *Store) makeRoom(ctx context.Context, room *sweep) {
	s.emptyWAL(ctx) // the WAL counts too
	gone := s.eraseHistory(ctx, room, spool.Forever(), func() bool {
		used, _ := s.measure(ctx)
		return used <= s.limit.Load()/10*8
	})
	if gone == 0 {
		return
	}
	s.log.Warn("delivered history was erased to stay below spool.max_bytes", "calls", gone, "limit", spool.Bytes(s.limit.Load()))
	if s.deps.OnHistoryPurged != nil {
		s.deps.OnHistoryPurged(gone)
	}
}

// measure reads the bytes in use, pages with content and the WAL, and how many they
// may be, and returns the disk that it saw.
func (s *Store) measure(ctx context.Context) (used int64, d disk) {
	var pages, free int64
	err := s.houseRd.do(ctx, func(c *sqlite.Conn) (err error) {
		pages, free, err = countPages(c)
		return err
	})
	d = s.lookAtDisk()
	if err != nil {
		return s.used.Load(), d
	}
	used = d.used(pages, free)
	s.used.Store(used)
	s.limit.Store(d.limit)
	return used, d
}

// countPages returns how many pages the database has, what is in the WAL included,
// and how many of them hold nothing.
func countPages(c *sqlite.Conn) (all, free int64, err error) {
	if all, err = dbfile.Int(c, `PRAGMA page_count`); err != nil {
		return 0, 0, err
	}
	free, err = dbfile.Int(c, `PRAGMA freelist_count`)
	return all, free, err
}

// disk is what the spool takes on its disk, in bytes.
type disk struct {
	file, wal int64
	// total is the size of the file system; 0 where it is not known.
	total int64
	// free is what there is beside the reserve; negative while the reserve is in use.
	free int64
	// limit is max_bytes, or what the disk holds where that is less.
	limit int64
}

func (s *Store) lookAtDisk() disk {
	d := disk{file: sizeOf(s.cfg.Path), wal: sizeOf(s.cfg.Path + "-wal"), limit: int64(s.limits.Load().MaxBytes)}
	var err error
	if d.total, d.free, err = dbfile.Space(filepath.Dir(s.cfg.Path)); err != nil || d.total == 0 {
		return d
	}
	if !s.reserve.held() {
		d.free -= s.reserve.size
	}
	d.limit = min(d.limit, d.file+d.wal+d.free)
	return d
}

// used is what counts against the limit.
func (d disk) used(pages, empty int64) int64 { return (pages-empty)*dbfile.PageSize + d.wal }

// bounded returns the configuration with a max_bytes that the disk can hold.
func (s *Store) bounded() spool.Config { return s.boundedBy(s.lookAtDisk()) }

func (s *Store) boundedBy(d disk) spool.Config {
	cfg := *s.limits.Load()
	if d.total > 0 {
		cfg.MaxBytes = min(cfg.MaxBytes, spool.Bytes(d.total))
	}
	return cfg
}

// usualWAL returns how long the WAL is when it is moved into the file.
func (s *Store) usualWAL(d disk) int64 { return dbfile.WalPages(s.boundedBy(d)) * dbfile.PageSize }

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// free returns the room on the file system of the spool.
func (s *Store) free() (int64, error) {
	_, free, err := dbfile.Space(filepath.Dir(s.cfg.Path))
	return free, err
}
