package listen

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// street is a listener whose connections a test opens, from any address.
type street struct {
	conns chan net.Conn
	ended chan struct{}
}

func (s street) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.ended:
		return nil, net.ErrClosed
	}
}

func (s street) Close() error   { close(s.ended); return nil }
func (s street) Addr() net.Addr { return &net.TCPAddr{} }

// from is a connection with the address of its client.
type from struct {
	net.Conn
	addr string
}

func (f from) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(f.addr), 1234))
}

// rig is a server in a bubble. A request to /work is answered when the test says so,
// and one to /refused with 401 before its body is read.
type rig struct {
	*Listener
	street street
	done   chan struct{}
}

// newRig serves until the test has ended; it must be called in a bubble.
func newRig(t *testing.T, limits Limits) *rig {
	t.Helper()
	r := &rig{street: street{conns: make(chan net.Conn), ended: make(chan struct{})}, done: make(chan struct{})}
	r.Listener = New(r.street, Config{Limits: limits, Log: slog.New(slog.DiscardHandler)})
	s := &http.Server{ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.URL.Path == "/refused" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.Copy(io.Discard, q.Body)
		if q.URL.Path == "/work" {
			<-r.done
		}
	})}
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(s) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		time.Sleep(time.Second) // net/http waits a little before it closes on who still sends
		synctest.Wait()
		if n := r.served(); n != 0 {
			t.Errorf("%d places are still taken", n)
		}
	})
	return r
}

// client is one connection as its client sees it.
type client struct {
	net.Conn
	in *bufio.Reader
}

func (r *rig) dial(t *testing.T, addr string) *client {
	t.Helper()
	ours, theirs := net.Pipe()
	r.street.conns <- from{theirs, addr}
	synctest.Wait()
	t.Cleanup(func() { _ = ours.Close() })
	return &client{Conn: ours, in: bufio.NewReader(ours)}
}

// send writes in the background: a pipe has no buffer, and the connection may
// wait unread.
func (c *client) send(text string) {
	go func() { _, _ = io.WriteString(c, text) }()
	synctest.Wait()
}

// closed reports whether the server has closed the connection.
func (c *client) closed(t *testing.T) bool {
	t.Helper()
	if err := c.SetReadDeadline(time.Now().Add(time.Nanosecond)); errors.Is(err, io.ErrClosedPipe) {
		return true
	}
	_, err := c.in.Peek(1)
	return errors.Is(err, io.EOF)
}

// status waits for one answer; last reports whether the connection ends with it.
func (c *client) status(t *testing.T) (code int, last bool) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Hour)) // fails where the next line does
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Close
}

const quickly = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

// TestTheLongestIdleIsClosed in each state in which a server waits for a client.
func TestTheLongestIdleIsClosed(t *testing.T) {
	for name, sent := range map[string]string{
		"silent":      "",
		"half a head": "GET / HTTP/1.1\r\nHost: x\r\n",
		"half a body": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
		"kept alive":  quickly,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Limits{Max: 2})
				first := r.dial(t, "192.0.2.1")
				first.send(sent)
				if sent == quickly {
					first.status(t)
				}
				<-time.After(time.Second)
				second := r.dial(t, "192.0.2.2")
				<-time.After(time.Second)
				third := r.dial(t, "192.0.2.3")
				third.send(quickly)
				if got, _ := third.status(t); got != 200 {
					t.Errorf("answer %d", got)
				}
				if !first.closed(t) || second.closed(t) {
					t.Error("not the one that has been idle longest was closed")
				}
				if n := testutil.ToFloat64(r.metrics.refused.WithLabelValues("max")); n != 1 {
					t.Errorf("%v counted", n)
				}
			})
		})
	}
}

// TestSlowSendersDoNotStayBusy: a byte now and then pays for no place; who sends
// at a pace keeps it.
func TestSlowSendersDoNotStayBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{Max: 2})
		head := "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
		slow, steady := r.dial(t, "192.0.2.1"), r.dial(t, "192.0.2.1")
		slow.send(head)
		steady.send(head)
		for range 50 {
			<-time.After(100 * time.Millisecond)
			steady.send(strings.Repeat("a", 1000))
			slow.send("a")
		}
		third := r.dial(t, "192.0.2.2")
		third.send(quickly)
		if got, _ := third.status(t); got != 200 {
			t.Errorf("answer %d", got)
		}
		if !slow.closed(t) || steady.closed(t) {
			t.Error("the slow sender holds its place, or the steady one does not")
		}
	})
}

// TestTheNewestWaits where no connection is idle, and has the place of the next
// request that ends: its connection is closed after the answer.
func TestTheNewestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{Max: 8, PerAddress: 2})
		busy := []*client{r.dial(t, "192.0.2.1"), r.dial(t, "192.0.2.1")}
		for _, c := range busy {
			c.send("POST /work HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
		}
		<-time.After(time.Minute)
		third := r.dial(t, "192.0.2.1")
		third.send(quickly)
		<-time.After(time.Minute)
		if n := r.served(); n != 2 {
			t.Errorf("%d are served", n)
		}
		other := r.dial(t, "192.0.2.2")
		other.send(quickly)
		if got, _ := other.status(t); got != 200 {
			t.Errorf("another address: answer %d", got)
		}
		close(r.done)
		for _, c := range busy {
			if got, _ := c.status(t); got != 200 {
				t.Errorf("a busy connection was closed for a newcomer: answer %d", got)
			}
		}
		if got, _ := third.status(t); got != 200 {
			t.Errorf("the one that waited: answer %d", got)
		}
	})
}

func TestAnAnswerMakesPlaceForThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{Max: 1})
		first := r.dial(t, "192.0.2.1")
		first.send(quickly)
		if _, last := first.status(t); last {
			t.Error("nobody waits, and the connection is closed")
		}
		// Before the lull is over the first sends its next request.
		<-time.After(lull / 2)
		second := r.dial(t, "192.0.2.2")
		second.send(quickly)
		first.send(quickly)
		if _, last := first.status(t); !last {
			t.Error("the connection stays while another one waits")
		}
		if got, _ := second.status(t); got != 200 {
			t.Errorf("answer %d", got)
		}
	})
}

func TestConnectionsOfOneAddress(t *testing.T) {
	for name, tc := range map[string]struct {
		addrs []string
		open  int
	}{
		"one address":      {[]string{"192.0.2.1", "192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1"}, 2},
		"one IPv6 network": {[]string{"2001:db8::1", "2001:db8::2", "2001:db8::3"}, 2},
		"two networks":     {[]string{"2001:db8::1", "2001:db8::2", "2001:db8:0:1::3"}, 3},
		"a trusted proxy":  {[]string{"10.0.0.1", "10.0.0.1", "10.0.0.1"}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, Limits{Max: 10, PerAddress: 2, Exempt: netip.MustParsePrefix("10.0.0.0/8").Contains})
				for _, a := range tc.addrs {
					r.dial(t, a)
					<-time.After(time.Second)
				}
				if n := r.served(); n != tc.open {
					t.Errorf("%d are served, want %d", n, tc.open)
				}
				if n := testutil.ToFloat64(r.metrics.refused.WithLabelValues("per_address")); int(n) != len(tc.addrs)-tc.open {
					t.Errorf("%v counted", n)
				}
			})
		})
	}
}

// TestFlood: thousands of silent connections at once, and the one that sends a
// request among them has its answer at once.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{Max: 512, PerAddress: 64})
		for range 2000 {
			ours, theirs := net.Pipe()
			r.street.conns <- from{theirs, "192.0.2.1"}
			t.Cleanup(func() { _ = ours.Close() })
		}
		begun := time.Now()
		c := r.dial(t, "192.0.2.1")
		c.send(quickly)
		if got, _ := c.status(t); got != 200 {
			t.Errorf("answer %d", got)
		}
		if d := time.Since(begun); d > time.Second {
			t.Errorf("an honest sender of the same address waited %v", d)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.open) > 64 || len(r.waiting) > 512 {
			t.Errorf("%d served, %d wait", len(r.open), len(r.waiting))
		}
	})
}

// TestASlowReaderIsIdle: who does not read its answer holds no place either.
func TestASlowReaderIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{Max: 1})
		r.dial(t, "192.0.2.1").send(quickly) // a pipe takes what is read from it only
		<-time.After(time.Second)
		c := r.dial(t, "192.0.2.2")
		c.send(quickly)
		if got, _ := c.status(t); got != 200 {
			t.Errorf("answer %d", got)
		}
	})
}

func TestPauseIsIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := street{conns: make(chan net.Conn), ended: make(chan struct{})}
		l := New(inner, Config{Limits: Limits{Max: 1}, Log: slog.New(slog.DiscardHandler)})
		s := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(_ http.ResponseWriter, q *http.Request) {
			if q.URL.Path == "/paused" {
				Pause(q.Context(), time.Hour)
			}
		})}
		r := &rig{Listener: l, street: inner}
		go func() { _ = r.Serve(s) }()
		begun := time.Now()
		paused := r.dial(t, "192.0.2.1")
		paused.send("GET /paused HTTP/1.1\r\nHost: x\r\n\r\n")
		<-time.After(time.Second)
		c := r.dial(t, "192.0.2.2")
		c.send(quickly)
		if got, _ := c.status(t); got != 200 || !paused.closed(t) {
			t.Errorf("answer %d", got)
		}
		if err := s.Shutdown(t.Context()); err != nil || time.Since(begun) > time.Minute {
			t.Errorf("%v after %v", err, time.Since(begun))
		}
		Pause(t.Context(), time.Second) // outside a server it only waits
	})
}

// TestHead counts lines however the bytes are cut, over several requests of one
// connection.
func TestHead(t *testing.T) {
	lines := func(n int) string { return "POST / HTTP/1.1\r\n" + strings.Repeat("a: b\r\n", n) + "\r\n" }
	for _, step := range []int{1, 2, 7, 1 << 20} {
		for n, want := range map[int]bool{1: false, maxLines: false, maxLines + 1: true} {
			var h head
			for range 2 {
				h.begin()
				text, tooMany := lines(n)+strings.Repeat("{\n", 1000), false
				for len(text) > 0 {
					k := min(step, len(text))
					tooMany = h.read([]byte(text[:k])) || tooMany
					text = text[k:]
				}
				if tooMany != want {
					t.Errorf("%d lines in steps of %d: too many %v", n, step, tooMany)
				}
			}
		}
	}
}

// TestAcceptErrors: a full table of files passes, all else ends the server.
func TestAcceptErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(&failing{errs: []error{temporary{}, temporary{}, errors.New("it broke")}}, Config{Limits: Limits{Max: 1}, Log: slog.New(slog.DiscardHandler)})
		if _, err := l.Accept(); err == nil || err.Error() != "it broke" {
			t.Errorf("%v", err)
		}
	})
}

type temporary struct{}

func (temporary) Error() string   { return "too many open files" }
func (temporary) Temporary() bool { return true }

type failing struct{ errs []error }

func (f *failing) Accept() (net.Conn, error) {
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, err
}
func (*failing) Close() error   { return nil }
func (*failing) Addr() net.Addr { return &net.TCPAddr{} }

// TestLimitsChange: a reload that allows more lets in those who wait.
func TestLimitsChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, Limits{Max: 1})
		r.dial(t, "192.0.2.1").send("GET /work HTTP/1.1\r\nHost: x\r\n\r\n")
		c := r.dial(t, "192.0.2.2")
		c.send(quickly)
		<-time.After(time.Second)
		r.SetLimits(Limits{Max: 2})
		if got, _ := c.status(t); got != 200 {
			t.Errorf("answer %d", got)
		}
		close(r.done)
	})
}

// TestUnreadBytesAreNotIdleness: a client that has sent its request waits for the
// server, not the server for it.
func TestUnreadBytesAreNotIdleness(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ours, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ours.Close() }()
	theirs, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = theirs.Close() }()
	if hasUnread(theirs) {
		t.Error("bytes that nobody has sent")
	}
	read := make(chan error, 1)
	go func() { _, err := io.ReadFull(theirs, make([]byte, 2)); read <- err }()
	if hasUnread(theirs) {
		t.Error("bytes that nobody has sent, while somebody reads")
	}
	if _, err := io.WriteString(ours, "a\nbc"); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); !hasUnread(theirs); <-time.After(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("bytes that arrived are not seen")
		}
	}
}
