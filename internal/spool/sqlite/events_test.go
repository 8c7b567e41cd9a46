package sqlite_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/oklog/ulid/v2"
	zombie "zombiezen.com/go/sqlite"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

func newEvent(action spool.Action) spool.Event {
	return spool.Event{ID: ulid.Make().String(), Action: action, Token: "admin", Via: "api"}
}

// events keeps an event that names call a, one of many calls with a among them, and one
// whose reason holds the number.
func events(tb testing.TB, s *sqlite.Store) {
	tb.Helper()
	named, many, reason := newEvent(spool.ActionResend), newEvent(spool.ActionResend), newEvent(spool.ActionPause)
	named.CallID, named.Count = "dialer:a", 1
	reason.Detail = "while 0812-3456-7890 is asked"
	for _, e := range []spool.Event{named, many, reason} {
		succeed(tb, s.KeepEvent(tb.Context(), e))
	}
	for _, id := range []string{"a", "b"} {
		succeed(tb, s.Exec(`INSERT INTO event_calls(event, call_seq) SELECT ?, seq FROM calls WHERE call_id = ?`, many.ID, "dialer:"+id))
	}
}

func eventsLeft(tb testing.TB, s *sqlite.Store) {
	tb.Helper()
	page, _, err := s.SearchEvents(tb.Context(), spool.EventFilter{}, 10, "")
	var got []string
	for _, e := range page {
		got = append(got, strings.TrimSpace(string(e.Action)+" "+e.CallID+e.Detail))
	}
	if want := "pause while [erased] is asked; resend"; err != nil || strings.Join(got, "; ") != want {
		tb.Errorf("events: %q, error %v; want %s", got, err, want)
	}
	if n, err := s.Int(`SELECT count(*) FROM event_calls`); err != nil || n != 1 {
		tb.Errorf("%d calls of events are left, error %v; want that of b", n, err)
	}
}

// TestEventsAreBounded: the newest stay, in all and for each call, and those of a call go
// with it.
func TestEventsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := openWith(t, spool.Config{Retention: time.Hour}, sqlite.Deps{})
		accept(t, s, "a")
		succeed(t, s.Settle(lease(t, s, 1)[0], nil))
		pass(time.Second)
		for range 30 {
			again := spool.Resend{CallIDs: []string{"dialer:a"}, Sinks: []string{"crm"}}
			if out, err := s.Resend(spool.WithEvent(t.Context(), newEvent(spool.ActionResend)), again); err != nil || out.Calls != 1 {
				t.Fatalf("%+v, error %v", out, err)
			}
			succeed(t, s.Settle(lease(t, s, 1)[0], nil))
			pass(time.Second)
		}
		of := func() int {
			page, _, err := s.SearchEvents(t.Context(), spool.EventFilter{CallID: "dialer:a"}, 100, "")
			succeed(t, err)
			return len(page)
		}
		if n := of(); n != 20 {
			t.Errorf("%d events of the call, want the latest 20", n)
		}
		const most = 10_000
		first := ""
		succeed(t, s.OnWriter(func(c *zombie.Conn) error {
			return dbfile.Transact(c, func() error {
				for i := range most + 500 {
					id := ulid.Make().String()
					if i == 500 {
						first = id
					}
					if err := dbfile.Execute(c, `INSERT INTO events VALUES (?, 'replay', 'admin', '', 'api', '', '', 1, '')`, id); err != nil {
						return err
					}
				}
				return nil
			})
		}))
		pass(5 * time.Minute)
		if n, err := s.Int(`SELECT count(*) FROM events`); err != nil || n != most {
			t.Errorf("%d events, error %v", n, err)
		}
		if _, err := s.Event(t.Context(), first); err != nil {
			t.Errorf("the oldest of those that stay: %v", err)
		}
		pass(2 * time.Hour)
		if n, err := s.Int(`SELECT count(*) FROM event_calls`); err != nil || n != 0 {
			t.Errorf("%d of the call are left, error %v", n, err)
		}
	})
}
