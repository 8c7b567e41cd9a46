package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/testbed/bench/peer"
)

// harness runs the processes of a benchmark. One goroutine uses it.
type harness struct {
	settings
	dir    string // on the disk of the work tree; removed at the end
	binary string // cdrelay
	self   string
	body   string // a file with the callback
	gc     []string
	next   int64 // number of the next call that is posted
	out    io.Writer
}

// firstPosted is the number of the first call that is posted; those that are
// put into a spool directly have lower ones.
const firstPosted = 20_000_000

// newHarness builds the binary and makes a folder for the run.
func newHarness(ctx context.Context, s settings, out io.Writer) (*harness, error) {
	if err := os.MkdirAll(s.out, 0o750); err != nil {
		return nil, err
	}
	out0, err := filepath.Abs(s.out)
	if err != nil {
		return nil, err
	}
	h := &harness{settings: s, binary: filepath.Join(out0, "cdrelay"), out: out, next: firstPosted}
	if h.self, err = os.Executable(); err != nil {
		return nil, err
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", h.binary, "./cmd/cdrelay") //nolint:gosec // constants but for the folder
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build cdrelay, from the top of the repository: %w\n%s", err, text)
	}
	if h.dir, err = os.MkdirTemp(out0, "run-"); err != nil {
		return nil, err
	}
	h.body, err = h.writeBody(0)
	return h, err
}

func (h *harness) close() error { return os.RemoveAll(h.dir) }

// sample is a real callback; its callId and its caller are replaced.
const sample = "docs/examples/callbacks/nxcc-call.json"

// writeBody writes the sample, padded to a size, with a name that the generator
// can set.
func (h *harness) writeBody(size int) (string, error) {
	body, err := callback(0, size)
	if err != nil {
		return "", err
	}
	path := filepath.Join(h.dir, fmt.Sprintf("body-%d.json", len(body)))
	return path, os.WriteFile(path, body, 0o600)
}

// callback is the sample with the name of one call and at least so many bytes.
func callback(number int64, size int) ([]byte, error) {
	text, err := os.ReadFile(sample)
	if err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, err
	}
	fields["callId"] = fmt.Appendf(nil, `"%s%0*d"`, peer.Mark, peer.Digits, number)
	fields["caller"] = fmt.Appendf(nil, "%q", peer.NoCaller())
	body, err := json.Marshal(fields)
	if err != nil || len(body) >= size {
		return body, err
	}
	fields["other"] = json.RawMessage(`"` + strings.Repeat("lorem ipsum ", (size-len(body))/12+2) + `"`)
	return json.Marshal(fields)
}

// adopt lets the rivals have the garbage collector's settings of a server.
func (h *harness) adopt(ctx context.Context, s *server) error {
	m, err := s.metrics(ctx)
	if err != nil {
		return err
	}
	percent, limit := m["go_gc_gogc_percent"], m["go_gc_gomemlimit_bytes"]
	if percent == 0 || limit == 0 {
		return errors.New("cdrelay does not report its GOGC and GOMEMLIMIT")
	}
	h.gc = []string{fmt.Sprintf("GOGC=%.0f", percent)}
	if limit < 1<<60 {
		h.gc = append(h.gc, fmt.Sprintf("GOMEMLIMIT=%.0f", limit))
	}
	return nil
}

// rival starts another server of this program.
func (h *harness) rival(ctx context.Context, args ...string) (*side, error) {
	p, err := start(ctx, h.gc, h.self, append([]string{args[0], "127.0.0.1:0"}, args[1:]...)...)
	if err != nil {
		return nil, err
	}
	s := &side{process: p, paths: []string{"/callbacks/b"}}
	if _, err := fmt.Fscanln(p.out, &s.address); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return s, nil
}

// target is the sink's process.
type target struct {
	*process
	address string
	answers *json.Decoder
	calls   int64 // how many calls were there at the last look
}

// sink starts the sink on an address.
func (h *harness) sink(ctx context.Context, address string) (*target, error) {
	p, err := start(ctx, nil, h.self, "sink", address)
	if err != nil {
		return nil, err
	}
	t := &target{process: p}
	if _, err := fmt.Fscanln(p.out, &t.address); err != nil {
		return nil, errors.Join(fmt.Errorf("the sink: %w\n%s", err, p.stderr), p.close())
	}
	t.answers = json.NewDecoder(p.out)
	return t, nil
}

// await waits until so many more calls arrived, or for so long.
func (t *target) await(more int64, limit time.Duration) (a peer.Arrived, err error) {
	if err := json.NewEncoder(t.in).Encode(peer.Wish{Calls: t.calls + more, Seconds: limit.Seconds()}); err != nil {
		return a, err
	}
	err = t.answers.Decode(&a)
	return a, err
}

// fired is what a volley gave and cost.
type fired struct {
	peer.Posted
	cpu float64 // seconds of the generator
}

// fire runs the generator against a side.
func (h *harness) fire(ctx context.Context, s *side, connections int) (f fired, err error) {
	v := peer.Volley{
		Address: s.address, Paths: s.paths, Header: "token: " + token, BodyFile: h.body,
		Connections: connections, First: h.next, Seconds: h.seconds.Seconds(),
	}
	p, err := start(ctx, nil, h.self, "post")
	if err != nil {
		return f, err
	}
	err = errors.Join(json.NewEncoder(p.in).Encode(v), p.in.Close())
	err = errors.Join(err, json.NewDecoder(p.out).Decode(&f.Posted))
	if end := p.cmd.Wait(); end != nil {
		return f, fmt.Errorf("the generator: %w\n%s", end, p.stderr)
	}
	if err != nil {
		return f, err
	}
	h.next += f.Calls
	f.cpu = (p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()).Seconds()
	if len(f.Others) > 0 || f.Answered == 0 {
		return f, fmt.Errorf("not every request was answered 200: %v", f.Others)
	}
	return f, nil
}

// say tells the person who waits what is being measured.
func (h *harness) say(format string, args ...any) {
	_, _ = fmt.Fprintf(h.out, "    "+format+"\n", args...) // nobody to tell
}
