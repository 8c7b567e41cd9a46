package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// token is the secret of the source.
const token = "bench-token"

// side is what calls are posted to: cdrelay or a rival.
type side struct {
	*process
	address string
	paths   []string
}

// server is a cdrelay that serves.
type server struct {
	side
	admin string
	// ready is the time from the start of the process to /readyz 200.
	ready time.Duration
}

// setup is what a server is started with.
type setup struct {
	folder string   // of the spool; a new one where empty
	sinks  string   // YAML of the sinks and rules
	wrap   []string // a command that runs the server as its child
}

// serve starts cdrelay and waits until it is ready.
func (h *harness) serve(ctx context.Context, s setup) (*server, error) {
	if s.folder == "" {
		var err error
		if s.folder, err = os.MkdirTemp(h.dir, "serve-"); err != nil {
			return nil, err
		}
	}
	path := filepath.Join(s.folder, "config.yaml")
	text := fmt.Sprintf(`listen: "127.0.0.1:0"
connections: {max: 1024, per_address: 1024}
admin: {listen: "127.0.0.1:0"}
spool: {path: %q, max_bytes: 64GiB}
shutdown: {grace: 10s}
log: {level: info, format: json}
sources:
  - {name: b, format: nxcc, region: HK, auth: {header: {name: token, value: %s}}}
%s`, filepath.Join(s.folder, "cdrelay.db"), token, s.sinks)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	began := time.Now()
	command := append(slices.Clone(s.wrap), h.binary, "serve", "-c", path)
	p, err := start(ctx, nil, command[0], command[1:]...)
	if err != nil {
		return nil, err
	}
	out := &server{side: side{process: p, paths: []string{"/callbacks/b"}}}
	if err := out.await(ctx, began); err != nil {
		return nil, errors.Join(err, p.kill())
	}
	return out, nil
}

// await finds the addresses in the log and waits for /readyz.
func (s *server) await(ctx context.Context, began time.Time) error {
	for end := began.Add(patience); time.Now().Before(end); {
		if s.admin == "" {
			s.find()
		} else if _, err := s.ask(ctx, http.MethodGet, "/readyz"); err == nil {
			s.ready = time.Since(began)
			return nil
		}
		if err := pause(ctx, 2*time.Millisecond); err != nil {
			return err
		}
	}
	return fmt.Errorf("cdrelay does not serve\n%s", s.stderr)
}

// find looks for the line of the log with the addresses.
func (s *server) find() {
	for line := range strings.Lines(s.stderr.String()) {
		var entry struct{ Msg, Listen, Admin string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "cdrelay serves" {
			s.address, s.admin = entry.Listen, "http://"+entry.Admin
		}
	}
}

// ask wants an answer 2xx of the private listener.
func (s *server) ask(ctx context.Context, method, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.admin+path, http.NoBody)
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s", method, path, resp.Status)
	}
	return string(body), err
}

// metrics reads all series of /metrics.
func (s *server) metrics(ctx context.Context) (map[string]float64, error) {
	text, err := s.ask(ctx, http.MethodGet, "/metrics")
	if err != nil {
		return nil, err
	}
	all := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		if at := strings.LastIndexByte(lines.Text(), ' '); at > 0 && lines.Text()[0] != '#' {
			if v, err := strconv.ParseFloat(lines.Text()[at+1:], 64); err == nil {
				all[lines.Text()[:at]] = v
			}
		}
	}
	return all, nil
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
