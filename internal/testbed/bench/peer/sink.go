package peer

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Arrived is what the sink has seen.
type Arrived struct {
	// Calls is how many different calls came, over all paths; Requests how many
	// requests.
	Calls    int64 `json:"calls"`
	Requests int64 `json:"requests"`
	// First and Last are when the first and the last new call came, in
	// nanoseconds since 1970.
	First int64 `json:"first"`
	Last  int64 `json:"last"`
}

// capacity is how many calls one path can tell apart.
const capacity = 1 << 26

// NeverPath is the path at which the sink answers 500 to one call of NeverOf,
// always.
const (
	NeverPath = "/never"
	NeverOf   = 20
)

// Sink answers requests 200, but for those of NeverPath, and counts calls.
type Sink struct {
	mu    sync.Mutex // guards paths and goal
	paths map[string]*seen
	goal  chan struct{} // closed when target calls came

	target, calls, requests, first, last atomic.Int64
}

// seen is the set of the calls that came on one path.
type seen struct{ bits []atomic.Uint64 }

// NewSink makes a sink that has seen nothing.
func NewSink() *Sink { return &Sink{paths: map[string]*seen{}} }

// Serve answers until the listener is closed.
func (s *Sink) Serve(l net.Listener) error {
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		go func() {
			defer func() { _ = conn.Close() }()
			_ = s.answer(conn) // the other side ends it as it likes
		}()
	}
}

// answer serves one connection until its end.
func (s *Sink) answer(conn net.Conn) error {
	in := bufio.NewReaderSize(conn, 64<<10)
	var body []byte
	for {
		path, length, err := readHead(in)
		if err != nil {
			return err
		}
		if cap(body) < length {
			body = make([]byte, length)
		}
		body = body[:length]
		if _, err := io.ReadFull(in, body); err != nil {
			return err
		}
		answer := "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
		if number := s.count(path, body); path == NeverPath && number%NeverOf == 1 {
			answer = "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"
		}
		if _, err := conn.Write([]byte(answer)); err != nil {
			return err
		}
	}
}

// readHead reads the first line and the headers.
func readHead(in *bufio.Reader) (path string, length int, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return "", 0, err
	}
	words := bytes.Fields(line)
	if len(words) != 3 {
		return "", 0, fmt.Errorf("no request: %q", line)
	}
	path, length = string(words[1]), -1
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return "", 0, err
		}
		const name = "content-length:"
		if len(line) > len(name) && (line[0] == 'C' || line[0] == 'c') && bytes.EqualFold(line[:len(name)], []byte(name)) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):]))); err != nil {
				return "", 0, err
			}
		}
		if len(line) <= 2 {
			break
		}
	}
	if length < 0 {
		return "", 0, errors.New("no Content-Length")
	}
	return path, length, nil
}

// count notes the call of a body and returns its number, 0 where it has none.
func (s *Sink) count(path string, body []byte) (number uint64) {
	s.requests.Add(1)
	at := bytes.Index(body, []byte(Mark))
	if at < 0 || at+len(Mark)+Digits > len(body) {
		return 0
	}
	number, err := strconv.ParseUint(string(body[at+len(Mark):at+len(Mark)+Digits]), 10, 64)
	if err != nil || number >= capacity {
		return 0
	}
	bit := uint64(1) << (number % 64)
	if s.path(path).bits[number/64].Or(bit)&bit != 0 {
		return number
	}
	now := time.Now().UnixNano()
	s.first.CompareAndSwap(0, now)
	s.last.Store(now)
	if s.calls.Add(1) == s.target.Load() {
		s.reached()
	}
	return number
}

func (s *Sink) path(name string) *seen {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.paths[name]
	if p == nil {
		p = &seen{bits: make([]atomic.Uint64, capacity/64)}
		s.paths[name] = p
	}
	return p
}

func (s *Sink) reached() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.goal != nil {
		close(s.goal)
		s.goal = nil
	}
}

// Await waits until so many calls came in all, or for so long.
func (s *Sink) Await(ctx context.Context, calls int64, limit time.Duration) Arrived {
	goal := make(chan struct{})
	s.mu.Lock()
	s.goal = goal
	s.mu.Unlock()
	s.target.Store(calls)
	if s.calls.Load() < calls {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		select {
		case <-goal:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return Arrived{Calls: s.calls.Load(), Requests: s.requests.Load(), First: s.first.Load(), Last: s.last.Load()}
}

// Wish is a question to the sink: answer when so many calls came, or after so
// many seconds.
type Wish struct {
	Calls   int64   `json:"calls"`
	Seconds float64 `json:"seconds"`
}

// Talk answers wishes, one a line, until in ends.
func (s *Sink) Talk(ctx context.Context, in io.Reader, out io.Writer) error {
	for wishes := json.NewDecoder(in); ; {
		var w Wish
		if err := wishes.Decode(&w); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		a := s.Await(ctx, w.Calls, time.Duration(w.Seconds*float64(time.Second)))
		if err := json.NewEncoder(out).Encode(a); err != nil {
			return err
		}
	}
}
