package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/oklog/ulid/v2"
	"zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/share"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// Deps are what a Store needs from its surroundings.
type Deps struct {
	// Log gets one line for each change of state.
	Log *slog.Logger
	// Repair deals with damaged files; repair.Tool is one.
	Repair Repair
	// OnHistoryPurged is told how many calls went because of max_bytes; may be nil.
	OnHistoryPurged func(calls int)
	// OnSinkRemoved is told how many dead letters were made because their sink
	// is no longer configured; may be nil.
	OnSinkRemoved func(sink string, deliveries int)
	// OnUndecodable is told of each dead letter of stage intake that is made; may
	// be nil.
	OnUndecodable func(id, source string)
	// OnOpening is told what an Open is at that takes its time, in words; may be nil.
	OnOpening func(what string)
	// Readings returns the numbers, in E.164, that a number as an operator types it
	// may mean; may be nil, then it is looked for as the end of a number only.
	Readings func(typed string) []string
	// LaneMemory bounds the bytes of what lanes have leased, over all lanes; 38 MiB
	// where it is 0.
	LaneMemory int64
}

// Repair is what the store needs where its file is damaged.
type Repair interface {
	// ReadWAL reads the WAL of a file that nobody has open, and returns its damage:
	// SQLite takes what is damaged for the end. there reports whether there is a WAL, or
	// should be one.
	ReadWAL(path string) (there bool, err error)
	// SetAside keeps a damaged file under another name and puts one with what can be
	// read of it in its place.
	SetAside(ctx context.Context, d dbfile.Damaged) error
	// Finish ends what a SetAside had begun that was cut short.
	Finish(path string) error
}

// Store is an open spool file.
type Store struct {
	cfg   spool.Config // as opened; for what Configure may change see limits
	log   *slog.Logger
	deps  Deps
	lock  *dbfile.Lock
	left  []string // what a spool of before had left beside the file at the start
	clock *clock

	limits atomic.Pointer[spool.Config]

	writer    *writer
	lanesRd   *readers // for leasing, so that a listing never delays a lane
	listRd    *readers // for listings and details
	houseRd   *readers // for housekeeping
	metrics   *metrics
	recent    *recent
	room      *share.Room[*lane] // of what lanes have leased
	shares    *shares
	unindexed *unindexed

	mu    sync.RWMutex // guards lanes and byID
	lanes map[string]*lane
	byID  map[int64]*lane

	idMu    sync.Mutex // guards entropy
	entropy *ulid.MonotonicEntropy

	lanesSet  chan struct{} // closed when SetLanes was called
	lanesOnce sync.Once     // closes it

	full      atomic.Bool // the limit is reached by waiting work and dead letters
	stuck     atomic.Bool // the WAL could not be moved into the file
	clogged   atomic.Bool // and is too long
	reserve   reserve     // the housekeeping's
	damaged   atomic.Bool // damage was met in the file, which was not opened anew since
	hopeless  atomic.Bool // that happened too often
	hurt      chan struct{}
	site      atomic.Pointer[site] // of the open file; nil before it is known
	displaced atomic.Pointer[displacedError]
	lost      chan struct{}                      // told when the file is not in its place
	beside    string                             // where it was saved while another file is there; tend's and Close's
	stopCheck atomic.Pointer[context.CancelFunc] // of the background check
	doubt     chan struct{}                      // told when a record cannot be read
	lastCheck time.Time                          // that unreadable records asked for; tend's
	asides    atomic.Int64
	calls     atomic.Int64 // rows in calls
	last      atomic.Int64 // the highest seq of a call that was given out
	used      atomic.Int64 // bytes in use, as last measured
	limit     atomic.Int64 // how many may be, as last measured
	intakes   atomic.Int64 // dead letters of stage intake

	stop     context.CancelFunc
	done     sync.WaitGroup
	indexing sync.WaitGroup // keepIndexed
	closing  sync.Once
}

// startBytes is the room that an opening needs for the WAL and its index.
const startBytes = 1 << 20

// Open locks, opens or creates the file, migrates its schema and starts the
// writer and the housekeeping. A damaged file is set aside beside it, what can
// be read of it is saved into a new one, and both facts are logged.
func Open(ctx context.Context, cfg spool.Config, deps Deps) (*Store, error) {
	cfg = cfg.WithDefaults()
	var err error
	if cfg.Path, err = dbfile.Locate(cfg.Path); err != nil {
		return nil, fmt.Errorf("spool.path: %w", err)
	}
	if err := dbfile.MakeFolder(filepath.Dir(cfg.Path)); err != nil {
		return nil, fmt.Errorf("spool folder: %w", err)
	}
	if err := dbfile.RefuseNetworkFS(filepath.Dir(cfg.Path)); err != nil {
		return nil, err
	}
	lock, left, err := dbfile.Own(cfg.Path)
	if err != nil {
		return nil, err
	}
	s := &Store{
		cfg: cfg, log: deps.Log.With("component", "spool"), deps: deps, lock: lock, left: left, clock: newClock(),
		entropy: ulid.Monotonic(rand.Reader, 0),
		metrics: newMetrics(), recent: newRecent(), room: newRoom(deps.LaneMemory), shares: newShares(), unindexed: newUnindexed(),
		hurt: make(chan struct{}, 1), lost: make(chan struct{}, 1), doubt: make(chan struct{}, 1), lanesSet: make(chan struct{}),
	}
	s.limits.Store(&cfg)
	s.limit.Store(int64(cfg.MaxBytes))
	s.reserve = newReserve(s.bounded())
	if free, err := s.free(); err == nil && free < startBytes {
		s.releaseReserve()
	}
	unchecked := isUnchecked(cfg.Path)
	conn, err := s.openOrSetAside(ctx, memory{})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("spool %s: %w", cfg.Path, withRemedy(err, filepath.Dir(cfg.Path))), lock.Release())
	}
	if err := s.begin(ctx, conn, unchecked); err != nil {
		return nil, errors.Join(fmt.Errorf("spool %s: %w", cfg.Path, withRemedy(err, filepath.Dir(cfg.Path))), conn.Close(), lock.Release())
	}
	return s, nil
}

// begin opens the readers and starts the goroutines. The file is checked while the
// spool works.
func (s *Store) begin(ctx context.Context, conn *sqlite.Conn, unclean bool) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	for _, pool := range []struct {
		to **readers
		n  int
	}{{&s.lanesRd, 2}, {&s.listRd, 2}, {&s.houseRd, 1}} {
		var err error
		if *pool.to, err = openReaders(s.cfg.Path, pool.n, s.noticeDamage); err != nil {
			stop()
			return errors.Join(err, s.closeReaders(errClosed))
		}
	}
	p, err := findSite(s.cfg.Path)
	if err != nil {
		stop()
		return errors.Join(err, s.closeReaders(errClosed))
	}
	s.site.Store(p)
	s.writer = newWriter(conn, s.clock, s.log, s.metrics, s.noticeDamage)
	s.writer.inPlace, s.writer.keepRoom = s.inPlace, s.keepRoom
	s.measure(ctx)
	dbfile.ExamineSpace(*s.limits.Load(), filepath.Dir(s.cfg.Path), func(key, text string) {
		s.log.Warn("the place of the spool is probably not meant", "key", "spool."+key, "warning", text)
	})
	s.done.Go(s.writer.run)
	s.done.Go(func() { s.keepHouse(background) })
	s.done.Go(func() { s.moveWAL(background) })
	s.done.Go(func() { s.watch(background) })
	s.unindexed.begin(s.last.Load())
	s.indexing.Go(func() { s.keepIndexed(background) })
	s.done.Go(func() {
		s.checkInBackground(background, unclean)
		s.tend(background)
	})
	return nil
}

// Configure changes retention, dead_letter_retention and max_bytes while the
// spool works. The path stays as it was opened.
func (s *Store) Configure(cfg spool.Config) {
	cfg = cfg.WithDefaults()
	s.limits.Store(&cfg)
	s.limit.Store(s.lookAtDisk().limit)
	s.writer.later(func(c *sqlite.Conn) {
		if err := dbfile.BoundWAL(c, s.bounded()); err != nil {
			s.log.Warn("the bound of the WAL could not be changed", "error", err)
		}
	})
}

// Close commits what lanes have reported, closes the file and gives up the lock.
// What is called after it returns ErrUnavailable; a second Close does nothing. Where
// ctx ends before a disk that hangs has answered, closing goes on and ends with the
// process.
func (s *Store) Close(ctx context.Context) error {
	closed, first := make(chan error, 1), false
	s.closing.Do(func() { first = true })
	if !first {
		return nil
	}
	go func() { closed <- s.close(context.WithoutCancel(ctx)) }()
	select {
	case err := <-closed:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Store) close(ctx context.Context) (err error) {
	s.stop()
	s.indexing.Wait() // it has something left to write
	s.writer.close()
	s.done.Wait()
	if s.writer.conn != nil { // none where a damaged file could not be replaced
		err = s.saveAtEnd(ctx, s.writer.conn)
	}
	err = errors.Join(err, s.closeReaders(errClosed))
	if s.writer.conn != nil {
		err = errors.Join(err, s.writer.conn.Close())
	}
	return errors.Join(err, s.lock.Release())
}

func (s *Store) pools() []*readers { return []*readers{s.lanesRd, s.listRd, s.houseRd} }

// closeReaders closes those that are open.
func (s *Store) closeReaders(why error) error {
	var errs []error
	for _, r := range s.pools() {
		if r != nil {
			errs = append(errs, r.close(why))
		}
	}
	return errors.Join(errs...)
}

// newID returns a new ULID, greater than all before it in this process.
func (s *Store) newID(at time.Time) string {
	s.idMu.Lock()
	defer s.idMu.Unlock()
	id, err := ulid.New(ulid.Timestamp(at), s.entropy)
	if err != nil { // the monotonic part overflowed within one millisecond
		s.entropy = ulid.Monotonic(rand.Reader, 0)
		id = ulid.MustNew(ulid.Timestamp(at), s.entropy)
	}
	return id.String()
}
