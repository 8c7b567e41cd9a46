package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Volley says what the generator posts.
type Volley struct {
	// Address is where: host and port.
	Address string `json:"address"`
	// Paths get each call one after the other.
	Paths []string `json:"paths"`
	// Header is a line for each request, without its end; may be empty.
	Header string `json:"header"`
	// BodyFile holds the body; its call is named Mark and Digits zeros.
	BodyFile string `json:"body_file"`
	// Connections is how many requests are under way at a time.
	Connections int `json:"connections"`
	// First is the number of the first call.
	First int64 `json:"first"`
	// Seconds is for how long new requests are begun.
	Seconds float64 `json:"seconds"`
}

// Posted is what became of a volley.
type Posted struct {
	// Calls is how many calls were posted, Answered how many requests got 200.
	Calls    int64 `json:"calls"`
	Answered int64 `json:"answered"`
	// Others counts the answers that were not 200.
	Others map[string]int64 `json:"others,omitempty"`
	// Began is when the first request was sent, in nanoseconds since 1970.
	Began int64 `json:"began"`
	// Seconds is the time to the last answer.
	Seconds float64 `json:"seconds"`
	// P50, P99 and Max are the times of the answers, in milliseconds.
	P50 float64 `json:"p50_ms"`
	P99 float64 `json:"p99_ms"`
	Max float64 `json:"max_ms"`
}

// dialTimeout bounds the connecting, exchangeTimeout one request with its answer.
const (
	dialTimeout     = 10 * time.Second
	exchangeTimeout = time.Minute
)

// Fire posts a volley and waits for its answers.
func Fire(ctx context.Context, v Volley) (Posted, error) {
	body, err := os.ReadFile(v.BodyFile)
	if err != nil {
		return Posted{}, err
	}
	g := &gun{volley: v}
	gunners := make([]*gunner, v.Connections)
	for i := range gunners {
		if gunners[i], err = newGunner(ctx, g, body); err != nil {
			return Posted{}, err
		}
		defer gunners[i].close()
	}
	g.until = time.Now().Add(time.Duration(v.Seconds * float64(time.Second)))
	began := time.Now()
	errs := make([]error, len(gunners))
	var firing sync.WaitGroup
	for i, one := range gunners {
		firing.Go(func() { errs[i] = one.run(ctx) })
	}
	firing.Wait()
	took := time.Since(began)
	return tally(gunners, began, took), errors.Join(errs...)
}

// gun hands out the requests of a volley.
type gun struct {
	volley Volley
	until  time.Time
	next   atomic.Int64
}

// draw gives the next call's number and path, or that there is none.
func (g *gun) draw() (number int64, path int, more bool) {
	paths := int64(len(g.volley.Paths))
	if time.Now().After(g.until) {
		return 0, 0, false
	}
	n := g.next.Add(1) - 1
	return g.volley.First + n/paths, int(n % paths), true
}

// gunner is one connection. One goroutine owns it.
type gunner struct {
	gun      *gun
	conn     net.Conn
	requests []rendered // one for each path
	answer   []byte
	took     []int32 // microseconds of each answer
	others   map[string]int64
	calls    int64
}

// rendered is a request but for its number and its caller.
type rendered struct {
	text []byte
	at   int // where the digits stand
	// caller is where those of the telephone number stand, 0 where there is none.
	caller int
}

func newGunner(ctx context.Context, g *gun, body []byte) (*gunner, error) {
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", g.volley.Address)
	if err != nil {
		return nil, err
	}
	one := &gunner{gun: g, conn: conn, answer: make([]byte, 0, 4096), took: make([]int32, 0, 1<<16), others: map[string]int64{}}
	for _, path := range g.volley.Paths {
		r, err := render(g.volley, path, body)
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		one.requests = append(one.requests, r)
	}
	return one, nil
}

func render(v Volley, path string, body []byte) (rendered, error) {
	header := v.Header
	if header != "" {
		header += "\r\n"
	}
	text := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n", path, v.Address, header, len(body))
	mark := bytes.Index(body, []byte(Mark))
	if mark < 0 || mark+len(Mark)+Digits > len(body) {
		return rendered{}, fmt.Errorf("%s has no call named %s", v.BodyFile, Mark)
	}
	r := rendered{text: append(text, body...), at: len(text) + mark + len(Mark)}
	if caller := bytes.Index(body, []byte(NoCaller())); caller >= 0 {
		r.caller = len(text) + caller + len(Caller)
	}
	return r, nil
}

func (o *gunner) run(ctx context.Context) error {
	for ctx.Err() == nil {
		number, path, more := o.gun.draw()
		if !more {
			return nil
		}
		r := o.requests[path]
		setDigits(r.text[r.at:r.at+Digits], number)
		if r.caller > 0 {
			setCaller(r.text[r.caller:r.caller+callerDigits], number)
		}
		begun := time.Now()
		if len(o.took)%256 == 0 {
			if err := o.conn.SetDeadline(begun.Add(exchangeTimeout)); err != nil {
				return err
			}
		}
		if _, err := o.conn.Write(r.text); err != nil {
			return err
		}
		status, err := o.read()
		if err != nil {
			return err
		}
		if path == 0 {
			o.calls++
		}
		if status != "200" {
			o.others[status]++
			continue
		}
		o.took = append(o.took, int32(min(time.Since(begun).Microseconds(), 1<<30))) //nolint:gosec // bounded just before
	}
	return ctx.Err()
}

// read takes one answer from the connection; it relies on Content-Length.
func (o *gunner) read() (status string, err error) {
	o.answer = o.answer[:0]
	for {
		n, err := o.conn.Read(o.answer[len(o.answer):cap(o.answer)])
		if err != nil {
			return "", fmt.Errorf("read the answer: %w", err)
		}
		o.answer = o.answer[:len(o.answer)+n]
		if head := bytes.Index(o.answer, []byte("\r\n\r\n")); head >= 0 {
			length, err := contentLength(o.answer[:head+2])
			if err != nil {
				return "", err
			}
			if len(o.answer) >= head+4+length {
				return string(o.answer[9:12]), nil
			}
		}
		if len(o.answer) == cap(o.answer) {
			return "", errors.New("an answer of more than 4 KiB")
		}
	}
}

// contentLength reads the header of that name from a head whose lines all end.
func contentLength(head []byte) (int, error) {
	const name = "\r\ncontent-length:"
	for at := 0; ; {
		i := bytes.Index(head[at:], []byte("\r\n"))
		if i < 0 || at+i+len(name) > len(head) {
			return 0, fmt.Errorf("no Content-Length in %q", head)
		}
		at += i
		if bytes.EqualFold(head[at:at+len(name)], []byte(name)) {
			value, _, _ := bytes.Cut(head[at+len(name):], []byte("\r\n"))
			return strconv.Atoi(string(bytes.TrimSpace(value)))
		}
		at += 2
	}
}

func (o *gunner) close() { _ = o.conn.Close() } // all answers are read

func tally(gunners []*gunner, began time.Time, took time.Duration) Posted {
	p := Posted{Began: began.UnixNano(), Seconds: took.Seconds(), Others: map[string]int64{}}
	var all []int32
	for _, o := range gunners {
		p.Calls += o.calls
		all = append(all, o.took...)
		for status, n := range o.others {
			p.Others[status] += n
		}
	}
	slices.Sort(all)
	p.Answered = int64(len(all))
	if len(all) > 0 {
		at := func(share float64) float64 { return float64(all[int(share*float64(len(all)-1))]) / 1e3 }
		p.P50, p.P99, p.Max = at(0.5), at(0.99), at(1)
	}
	return p
}
