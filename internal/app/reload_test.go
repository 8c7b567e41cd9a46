package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// watched is a server whose configuration is a file, with its log. Nothing looks
// at the file but the test.
type watched struct {
	*App
	t       *testing.T
	file    string
	log     logText
	missing bool
	// fail is what the next Load gives; it is taken back then.
	fail  error
	loads int
}

// logText is a log that a test reads while a server writes it.
type logText struct {
	mu sync.Mutex // guards b
	b  strings.Builder
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWatched(t *testing.T, more string) *watched {
	t.Helper()
	dir := t.TempDir()
	w := &watched{t: t, file: filepath.Join(dir, "config.yaml")}
	w.write(more)
	loaded, err := config.Load(w.file)
	if err != nil {
		t.Fatal(err)
	}
	w.App, err = New(t.Context(), loaded, Options{
		Log:         slog.New(slog.NewTextHandler(&w.log, nil)),
		Fingerprint: func() (config.Hash, error) { return config.Fingerprint(w.file) },
		Load:        w.load,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.stop(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *watched) write(more string) {
	w.t.Helper()
	text := fmt.Sprintf("listen: 127.0.0.1:0\nadmin: {listen: \"127.0.0.1:0\"}\nspool: {path: %q}\nshutdown: {delay: 0s, grace: 1s}\n%s",
		filepath.Join(filepath.Dir(w.file), "s.db"), more)
	if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *watched) load() (*config.Loaded, error) {
	w.loads++
	if err := w.fail; err != nil {
		w.fail = nil
		return nil, err
	}
	return config.Load(w.file)
}

// looks lets the server look at the file so many times.
func (w *watched) looks(n int) {
	for range n {
		_, w.missing = w.look(w.t.Context(), w.missing)
	}
}

// want compares what the page says of the last reload.
func (w *watched) want(when, refusal string) {
	w.t.Helper()
	got := ""
	if refused := w.status().Refused; refused != nil {
		got = refused.Error
	}
	if (refusal == "") != (got == "") || !strings.Contains(got, refusal) {
		w.t.Errorf("%s: the refusal is %q, want %q\n%s", when, got, refusal, w.log.String())
	}
}

// TestAReloadThatTheSpoolRefusedIsMadeAgain: a configuration that changed while
// the disk was full was never taken over when there was room again. One that is
// bad is still read once.
func TestAReloadThatTheSpoolRefusedIsMadeAgain(t *testing.T) {
	for name, c := range map[string]struct {
		failure error
		loads   int
	}{
		"refused": {&notNow{spool.ErrUnavailable}, 2},
		"bad":     {errors.New("bad"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWatched(t, "")
			w.fail = c.failure
			w.write("log: {level: debug}\n")
			w.looks(10)
			if changed := w.state.Load().loaded.Log.Level == "debug"; w.loads != c.loads || changed != (c.loads > 1) {
				t.Errorf("the changed configuration was read %d times, want %d", w.loads, c.loads)
			}
		})
	}
}

// TestAFileThatIsPutBackEndsTheRefusal: one that holds again what runs was not
// read, and the alert of a bad one fired until the next change.
func TestAFileThatIsPutBackEndsTheRefusal(t *testing.T) {
	w := newWatched(t, "")
	w.write("colour: blue\n")
	w.looks(3)
	w.want("a typo", "colour")
	if w.loads != 1 {
		t.Errorf("the bad file was read %d times", w.loads)
	}
	w.write("")
	w.looks(1)
	w.want("put back", "")
	w.looks(3)
	if w.loads != 2 {
		t.Errorf("the file was read %d times", w.loads)
	}
}

// TestAFileThatIsGoneIsReported: and one that comes back ends that, also where it
// is another or a bad one.
func TestAFileThatIsGoneIsReported(t *testing.T) {
	w := newWatched(t, "")
	gone := func() {
		t.Helper()
		if err := os.Remove(w.file); err != nil {
			t.Fatal(err)
		}
	}
	gone()
	w.looks(1)
	w.want("in the middle of a swap", "")
	w.looks(3)
	w.want("gone", "no configuration at")
	if n := strings.Count(w.log.String(), "the configuration cannot be read"); n != 1 {
		t.Errorf("it was logged %d times", n)
	}
	w.write("")
	w.looks(1)
	w.want("back", "")
	w.write("colour: blue\n")
	w.looks(1)
	gone()
	w.looks(2)
	w.want("a bad one is gone", "no configuration at")
	w.write("colour: blue\n")
	w.looks(1)
	w.want("a bad one is back", "colour")
	w.write("log: {level: debug}\n")
	w.looks(1)
	w.want("another", "")
}

// TestASecretsFileThatIsGoneIsReported: the same for a file that it names.
func TestASecretsFileThatIsGoneIsReported(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "key")
	write := func() {
		if err := os.WriteFile(secret, []byte("k"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write()
	w := newWatched(t, fmt.Sprintf("sources: [{name: dialer, format: infin8linx, auth: {query: {name: key, value: {file: %q}}}}]\n", secret))
	if err := os.Remove(secret); err != nil {
		t.Fatal(err)
	}
	w.looks(2)
	w.want("gone", "key")
	write()
	w.looks(2)
	w.want("back", "")
}

// TestTablesAreTakenOverWithoutReplacingLanes changes the file of a table: rules and
// templates see it after a reload, and the lane is the same.
func TestTablesAreTakenOverWithoutReplacingLanes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "owners.csv")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("7,first\n")
	w := newWatched(t, "tables: {owners: {file: '"+file+"'}}\nsinks: [{name: crm, webhook: {url: \"http://127.0.0.1:9/\", body: {owner: \"${table('owners', call.agent.id)}\"}}}]\nrules: [{to: [crm]}]\n")
	before := w.state.Load().running["crm"]
	if value, _ := w.lookup("owners", "7"); value != "first" {
		t.Errorf("at first %q", value)
	}
	write("7,second\n")
	if err := w.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if value, _ := w.lookup("owners", "7"); value != "second" {
		t.Errorf("after the reload %q", value)
	}
	write("7\n")
	if err := w.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a bad table: %v", err)
	}
	if value, _ := w.lookup("owners", "7"); value != "second" {
		t.Errorf("after a bad one %q", value)
	}
	if after := w.state.Load().running["crm"]; before == nil || after != before {
		t.Error("the lane was replaced")
	}
}
