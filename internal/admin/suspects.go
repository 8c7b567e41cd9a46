package admin

import (
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"

	"github.com/cdrelay/cdrelay/internal/listen"
)

const (
	// firstDelay is how long the answer to the first wrong token of an address
	// takes; each further one takes twice as long, up to longestDelay.
	firstDelay   = 100 * time.Millisecond
	longestDelay = 5 * time.Second
	// forgetAfter is how long an address must send no wrong token to begin again.
	forgetAfter = 10 * time.Minute
	// maxSuspects bounds the addresses that are remembered.
	maxSuspects = 1024
)

// suspects answers wrong tokens slower and slower, by address. A right token is
// never slowed down, so that nobody can lock an operator out.
type suspects struct {
	count func() // counts a wrong token; may be nil
	log   *slog.Logger
	told  rate.Sometimes

	mu   sync.Mutex // guards seen
	seen *lru.Cache[netip.Addr, suspicion]
}

// suspicion is what an address has done.
type suspicion struct {
	wrong int // tokens
	last  time.Time
}

func newSuspects(count func(), log *slog.Logger) *suspects {
	seen, _ := lru.New[netip.Addr, suspicion](maxSuspects) // fails for a size below 1 only
	return &suspects{count: count, log: log, told: rate.Sometimes{Interval: time.Minute}, seen: seen}
}

// slow makes a request with a wrong token wait. Its connection may be closed for others
// meanwhile.
func (s *suspects) slow(r *http.Request) {
	if s.count != nil {
		s.count()
	}
	s.told.Do(func() {
		s.log.Warn("requests with a wrong admin token are refused", slog.String("client", r.RemoteAddr))
	})
	at, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero address is one for all that have none
	listen.Pause(r.Context(), s.delay(listen.Network(at.Addr()), time.Now()))
}

// delay notes a wrong token and returns how long its answer takes.
func (s *suspects) delay(from netip.Addr, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, _ := s.seen.Get(from)
	if now.Sub(was.last) > forgetAfter {
		was.wrong = 0
	}
	s.seen.Add(from, suspicion{wrong: was.wrong + 1, last: now})
	if was.wrong > 10 { // doubling further would overflow
		return longestDelay
	}
	return min(firstDelay<<was.wrong, longestDelay)
}
