package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// bare enters a mount namespace, in which the image's root is read-only and a
// folder lies at /data, and becomes the command as the image's user. It execs all
// the way, so the command has the pid that was started.
const bare = `root=$1 data=$2 user=$3; shift 3
mount --bind "$root" "$root"
mount --bind "$data" "$root/data"
mount -o remount,bind,ro "$root"
exec env -i "$@"`

// container is the image of this machine's platform, unpacked, and its volume.
type container struct {
	t          *testing.T
	root, data string
	config     v1.Config
}

// newContainer unpacks the image. It skips where a container cannot be had.
func newContainer(t *testing.T) *container {
	t.Helper()
	image := images(t, theProduct(t).archive)[platform{runtime.GOOS, runtime.GOARCH}]
	if image == nil {
		t.Skipf("DID NOT RUN: there is no image for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	if out, err := exec.CommandContext(t.Context(), "unshare", "--mount", "true").CombinedOutput(); err != nil {
		t.Skipf("DID NOT RUN: no mount namespace can be had here (root can): %v %s", err, out)
	}
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	c := &container{t: t, root: filepath.Join(t.TempDir(), "root"), data: filepath.Join(t.TempDir(), "data"), config: file.Config}
	if err := os.Mkdir(c.root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, e := range listTar(t, mutate.Extract(image)) {
		c.place(filepath.Join(c.root, e.name), e)
	}
	// A new volume takes over the owner of the folder that it covers.
	c.place(c.data, entry{mode: os.ModeDir | 0o700, uid: 65532, gid: 65532})
	return c
}

func (c *container) place(name string, e entry) {
	c.t.Helper()
	if e.mode.IsDir() {
		if err := os.MkdirAll(name, 0o700); err != nil {
			c.t.Fatal(err)
		}
	} else {
		write(c.t, name, e.text)
	}
	if err := os.Chown(name, e.uid, e.gid); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Chmod(name, e.mode.Perm()); err != nil {
		c.t.Fatal(err)
	}
}

// command is the image's entry point with arguments, and the image's environment
// and nothing else.
func (c *container) command(ctx context.Context, args ...string) *exec.Cmd {
	all := append([]string{"--mount", "--propagation", "private", "sh", "-euc", bare, "sh", c.root, c.data, c.config.User}, c.config.Env...)
	all = append(all, "/usr/sbin/chroot", "--userspec="+c.config.User, c.root)
	return exec.CommandContext(ctx, "unshare", append(append(all, c.config.Entrypoint...), args...)...)
}

// run runs a command to its end and gives what it prints.
func (c *container) run(args ...string) (string, error) {
	c.t.Helper()
	out, err := c.command(c.t.Context(), args...).CombinedOutput()
	return string(out), err
}

// served is a server in a container.
type served struct {
	public, admin string
	log           *lines
}

// lines collects what a process prints.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) add(line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.b.Write(append(line, '\n'))
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serve runs the server until the test ends, and wants it to end well.
func (c *container) serve(config string) *served {
	c.t.Helper()
	// The test's context ends before its clean-up, which stops the server in peace.
	cmd := c.command(context.WithoutCancel(c.t.Context()), "serve", "-c", config)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	s := &served{log: &lines{}}
	serves, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		s.read(stderr, serves)
	}()
	c.t.Cleanup(func() {
		err := cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(patience):
			_ = cmd.Process.Kill() // Wait tells of it
		}
		if werr := cmd.Wait(); err != nil || werr != nil {
			c.t.Errorf("the server was told to stop: %v, %v", err, werr)
		}
		if c.t.Failed() {
			c.t.Logf("log of the server:\n%s", s.log)
		}
	})
	select {
	case <-serves:
	case <-ended:
		c.t.Fatalf("the server ended:\n%s", s.log)
	case <-time.After(patience):
		_ = cmd.Process.Kill()
		c.t.Fatalf("the server does not serve:\n%s", s.log)
	}
	return s
}

// read notes the log and finds the addresses in it.
func (s *served) read(stderr io.Reader, serves chan<- struct{}) {
	for log := bufio.NewScanner(stderr); log.Scan(); {
		s.log.add(log.Bytes())
		var line struct{ Msg, Listen, Admin string }
		if json.Unmarshal(log.Bytes(), &line) == nil && line.Msg == "cdrelay serves" {
			s.public, s.admin = "http://"+line.Listen, "http://"+line.Admin
			close(serves)
		}
	}
}
