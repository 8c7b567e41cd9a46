package tests

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// patience bounds every wait of these tests; none of them waits a fixed time.
const patience = 30 * time.Second

// TestCheck lets the server itself judge each rendered configuration.
func TestCheck(t *testing.T) {
	for _, r := range each(t) {
		for _, p := range serving(t, r) {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				s := newSandbox(t, r, p.pod)
				report(t, s.complaints)
				if out, err := s.check(t, p.server); err != nil {
					t.Errorf("cdrelay check: %v\n%s", err, out)
				}
			})
		}
	}
}

func TestCheckNotices(t *testing.T) {
	objects, err := decodeAll(`
apiVersion: v1
kind: ConfigMap
metadata: {name: c}
data:
  config.yaml: |
    listen: ":80"
    admin: {listen: ":81", token: {env: TOKEN}}
    sources: [{name: a, format: nxcc, auth: {bearer: [{file: /gone/token}, {file: /etc/cdrelay/other}, {file: /s/made-up}]}}]
    sauce: 1
---
apiVersion: v1
kind: Pod
metadata: {name: p}
spec:
  containers:
    - {name: a, image: cdrelay, volumeMounts: [{name: c, mountPath: /etc/cdrelay}, {name: s, mountPath: /s}]}
  volumes: [{name: c, configMap: {name: c}}, {name: s, secret: {secretName: s}}]
`)
	if err != nil {
		t.Fatal(err)
	}
	r := rendering{objects: objects}
	p := serving(t, r)[0]
	s := newSandbox(t, r, p.pod)
	expect(t, s.complaints, "/gone/token", "/etc/cdrelay/other", "reads TOKEN")
	if out, err := s.check(t, p.server); err == nil || !strings.Contains(out, "sauce") {
		t.Errorf("check lets a bad configuration pass: %v\n%s", err, out)
	}
}

// TestRun starts what each pod starts, asks what the kubelet asks, and ends it as
// the kubelet does.
func TestRun(t *testing.T) {
	for _, r := range each(t) {
		for _, p := range serving(t, r) {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				runPod(t, newSandbox(t, r, p.pod), p, r)
			})
		}
	}
}

// TestInitRefuses: a bad configuration stops a pod before its server starts, with
// the place in the container's log.
func TestInitRefuses(t *testing.T) {
	for _, r := range each(t) {
		for _, p := range serving(t, r) {
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				s := newSandbox(t, r, p.pod)
				text, err := os.ReadFile(s.config.path)
				if err != nil {
					t.Fatal(err)
				}
				write(t, s.config.path, string(text)+"sauce: 1\n")
				before := initContainers(p)
				if len(before) == 0 {
					t.Fatal("no init container looks at the configuration")
				}
				refused := slices.ContainsFunc(before, func(c corev1.Container) bool {
					out, err := s.once(t, c)
					return err != nil && strings.Contains(out, "sauce")
				})
				if !refused {
					t.Error("no init container refuses a bad configuration and says why")
				}
			})
		}
	}
}

// served is a pod and its container that serves.
type served struct {
	pod

	server corev1.Container
}

// serving gives the pods that serve; each set of values has one.
func serving(t *testing.T, r rendering) []served {
	t.Helper()
	var all []served
	for _, p := range pods(r.objects) {
		for _, c := range p.containers() {
			if ours(c) && serves(c) && !p.of.hook {
				all = append(all, served{p, c})
			}
		}
	}
	if len(all) == 0 {
		t.Fatalf("%s: no pod serves", r.name)
	}
	return all
}

// initContainers gives those of ours that run to their end before the server.
func initContainers(p served) []corev1.Container {
	var before []corev1.Container
	for _, c := range p.spec.InitContainers {
		if ours(c) && c.RestartPolicy == nil {
			before = append(before, c)
		}
	}
	return before
}

func runPod(t *testing.T, s *sandbox, p served, r rendering) {
	t.Helper()
	for _, c := range initContainers(p) {
		if out, err := s.once(t, c); err != nil {
			t.Fatalf("the init container %s: %v\n%s", c.Name, err, out)
		}
	}
	run := s.start(t, p.server)
	probes := map[string]*corev1.Probe{
		"startup": p.server.StartupProbe, "liveness": p.server.LivenessProbe, "readiness": p.server.ReadinessProbe,
	}
	if probes["startup"] == nil || probes["liveness"] == nil {
		t.Fatal("the server has no startup or no liveness probe")
	}
	for name, probe := range probes {
		if got := run.probe(t, probe); got != http.StatusOK {
			t.Errorf("the %s probe answers %d", name, got)
		}
	}
	for _, hook := range pods(r.objects) {
		if hook.of.hook {
			t.Run("helm test", func(t *testing.T) { run.hook(t, r.name, hook.spec.Containers[0]) })
		}
	}
	run.stop(t, time.Duration(*p.spec.TerminationGracePeriodSeconds)*time.Second, func(delay string) {
		if delay == "0s" {
			return
		}
		if got := run.probe(t, probes["liveness"]); got != http.StatusOK {
			t.Errorf("the liveness probe answers %d within shutdown.delay", got)
		}
		if probe := probes["readiness"]; probe != nil && run.probe(t, probe) != http.StatusServiceUnavailable {
			t.Error("the server says that it is ready within shutdown.delay")
		}
	})
}

// running is a server that a test has started.
type running struct {
	cmd    *exec.Cmd
	lines  chan line
	ended  chan error
	server corev1.Container
	ports  map[string]string // of the container, address on the machine
	public string            // address of the public listener
	log    *bytes.Buffer     // to be read when lines is closed
}

// line is one of the server's log.
type line struct {
	Msg, Listen, Admin, Delay string
}

// start runs the server until the test ends, and waits until it serves.
func (s *sandbox) start(t *testing.T, c corev1.Container) *running {
	t.Helper()
	words := s.words(t, c)
	cmd := exec.CommandContext(t.Context(), words[0], words[1:]...)
	cmd.Dir, cmd.Env = s.dir, s.env[c.Name]
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	run := &running{cmd: cmd, server: c, lines: make(chan line, 1000), ended: make(chan error, 1), log: &bytes.Buffer{}}
	go run.read(stderr)
	serving := run.wait(t, "cdrelay serves")
	run.public = serving.Listen
	run.ports = map[string]string{s.config.public: serving.Listen, s.config.admin: serving.Admin}
	return run
}

// read follows the log to its end.
func (run *running) read(stderr io.Reader) {
	scanner := bufio.NewScanner(stderr)
	for scanner.Scan() {
		run.log.Write(append(scanner.Bytes(), '\n'))
		var l line
		if json.Unmarshal(scanner.Bytes(), &l) == nil {
			run.lines <- l
		}
	}
	close(run.lines)
	run.ended <- run.cmd.Wait()
}

// wait gives the line of the log with the message.
func (run *running) wait(t *testing.T, message string) line {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case l, open := <-run.lines:
			if !open {
				t.Fatalf("the server ended before %q\n%s", message, run.log)
			}
			if l.Msg == message {
				return l
			}
		case <-late.C:
			t.Fatalf("the server did not say %q within %v", message, patience)
		}
	}
}

// probe asks what the kubelet asks and gives the status; without a probe there
// is nothing to ask.
func (run *running) probe(t *testing.T, probe *corev1.Probe) int {
	t.Helper()
	if probe == nil {
		return http.StatusOK
	}
	if probe.HTTPGet == nil {
		t.Fatalf("a probe that is no GET: %v", probe)
	}
	port, ok := portOf(run.server, probe.HTTPGet.Port)
	if !ok {
		t.Fatalf("the server has no port %s", probe.HTTPGet.Port.String())
	}
	return run.get(t, strconv.Itoa(int(port)), probe.HTTPGet.Path)
}

// get gives the status of a path at a port of the container.
func (run *running) get(t *testing.T, port, path string) int {
	t.Helper()
	client := http.Client{Timeout: patience}
	response, err := client.Get("http://" + run.ports[port] + path)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// stop ends the server as Kubernetes, Docker and systemd do; meanwhile is called
// when it has begun to stop.
func (run *running) stop(t *testing.T, grace time.Duration, meanwhile func(delay string)) {
	t.Helper()
	late := time.NewTimer(grace)
	defer late.Stop()
	if err := run.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	meanwhile(run.wait(t, "cdrelay stops").Delay)
	select {
	case <-late.C:
		t.Fatalf("the server did not stop within %v", grace)
	case err := <-run.ended:
		if err != nil {
			t.Errorf("the server ended with %v", err)
		}
	}
}

// once runs a container to its end.
func (s *sandbox) once(t *testing.T, c corev1.Container) (string, error) {
	t.Helper()
	return s.exec(t, c, s.words(t, c))
}

// check runs `cdrelay check` where the server would run.
func (s *sandbox) check(t *testing.T, c corev1.Container) (string, error) {
	t.Helper()
	return s.exec(t, c, []string{binary(t), "check", "-c", s.config.path})
}

func (s *sandbox) exec(t *testing.T, c corev1.Container, words []string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), patience, errors.New("it did not end"))
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Dir, cmd.Env = s.dir, s.env[c.Name]
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w %w", err, context.Cause(ctx))
	}
	return string(out), err
}
