package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// filledCalls are in each spool that these tests damage. All were delivered to
// crm, or refused by it for good where the id is even, and all still wait for
// later, which is away.
const filledCalls = 120

// twoSinks: a destination that answers and one that comes later.
const twoSinks = `
sinks:
  - {name: crm, webhook: {url: "%s"}}
  - name: later
    webhook: {url: "http://%s"}
    quick_tries: 0
    retry: {first: 50ms, max: 100ms}
    breaker: {open_for: 1s}
rules: [{name: all, to: [crm, later]}]
`

// filled is a spool of a server that was stopped or killed.
type filled struct {
	files map[string][]byte // by suffix
	crm   *sink
	later string // its address
}

// fill lets a server take calls, and stops or kills it.
func fill(t *testing.T, stop func(*server)) *filled {
	t.Helper()
	f := &filled{later: freePort(t), files: map[string][]byte{}}
	f.crm = newSink(t, func(n int) int {
		if n%2 == 0 {
			return http.StatusUnprocessableEntity
		}
		return http.StatusOK
	})
	config := configure(t, twoSinks, f.crm.URL, f.later)
	s := start(t, config)
	for i := range filledCalls {
		s.take(i)
	}
	eventually(t, "what crm was owed has ended", func() bool {
		return s.metric(`cdrelay_pending_deliveries{sink="crm"}`) == 0 && s.metric(`cdrelay_dead_letters{sink="crm",stage="delivery"}`) == filledCalls/2
	})
	stop(s)
	path := filepath.Join(filepath.Dir(config), "cdrelay.db")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if b, err := os.ReadFile(path + suffix); err == nil {
			f.files[suffix] = b
		}
	}
	return f
}

// take posts the call of that number, which must be taken.
func (s *server) take(n int) {
	s.t.Helper()
	body := strings.Replace(callback(s.t, "infin8linx-call.json"), "263056202", strconv.Itoa(100000+n), 1)
	if status, answer := s.post(dialer, body); status != http.StatusOK {
		s.t.Fatalf("call %d: %d %s", n, status, answer)
	}
}

// metric gives the value of a series, -1 where it is not there.
func (s *server) metric(series string) int {
	_, metrics := s.get("/metrics")
	found := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(series) + ` (\d+)$`).FindStringSubmatch(metrics)
	if found == nil {
		return -1
	}
	n, _ := strconv.Atoi(found[1]) // all digits
	return n
}

// stop ends the server as systemd and Kubernetes do.
func (s *server) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if <-s.ended; s.err != nil {
		s.t.Errorf("exit: %v", s.err)
	}
}

// put writes a copy of the spool, damaged, with a configuration for it.
func (f *filled) put(t *testing.T, damage func(files map[string][]byte)) (config, path string) {
	t.Helper()
	config = configure(t, twoSinks, f.crm.URL, f.later)
	path = filepath.Join(filepath.Dir(config), "cdrelay.db")
	files := map[string][]byte{}
	for suffix, b := range f.files {
		files[suffix] = bytes.Clone(b)
	}
	damage(files)
	for suffix, b := range files {
		if err := os.WriteFile(path+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config, path
}

// flip spoils bytes of a part of a file, from and to in hundredths.
func flip(b []byte, from, to, every int) {
	for i := len(b) * from / 100; i < len(b)*to/100; i += every {
		b[i] ^= 0x5a
	}
}

// flipRecords spoils a byte in each tenth record, and nothing but records.
func flipRecords(b []byte) {
	begin := []byte(`{"schema":"cdrelay.call/v1"`)
	for at, n := bytes.Index(b, begin), 0; at >= 0; n++ {
		if byteOf := at + len(begin) + 10; n%10 == 0 && at/4096 == byteOf/4096 {
			b[byteOf] ^= 0x5a
		}
		next := bytes.Index(b[at+1:], begin)
		if next < 0 {
			return
		}
		at += 1 + next
	}
}

// flipIndex spoils the name of one call in the index that tells calls apart.
func flipIndex(b []byte) {
	const leafOfIndex = 0x0a
	for page := 0; page < len(b); page += 4096 {
		at := bytes.Index(b[page:page+4096], []byte("dialer:"))
		if b[page] == leafOfIndex && at >= 0 {
			b[page+at+len("dialer:")] ^= 0x5a
			return
		}
	}
}

// cdrelay runs a command and gives what it printed and its exit code.
func cdrelay(t *testing.T, args ...string) (text string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "cdrelay", args...)
	cmd.SysProcAttr = child()
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// hurt is one kind of damage.
type hurt struct {
	name   string
	killed bool // the spool of a killed server, with its WAL
	damage func(files map[string][]byte)
	says   string // the start, and the check
	saved  int    // calls that are saved at least
	whole  bool   // the damage costs nothing, and nobody needs to say anything
	rows   bool   // it is in rows, not in the file
}

func hurts() []hurt {
	return []hurt{
		{
			// Which page is read first decides how the damage is found.
			name: "pages in the middle", says: "damaged", saved: filledCalls / 2,
			damage: func(files map[string][]byte) { flip(files[""], 45, 55, 100) },
		},
		{
			name: "bytes of records", says: "cannot be read", saved: filledCalls / 2, rows: true,
			damage: func(files map[string][]byte) { flipRecords(files[""]) },
		},
		{
			name: "a key of an index", says: "missing from index calls_identity", saved: filledCalls,
			damage: func(files map[string][]byte) { flipIndex(files[""]) },
		},
		{
			name: "header destroyed", says: "not a database", saved: filledCalls,
			damage: func(files map[string][]byte) { copy(files[""], bytes.Repeat([]byte{0xff}, 4096)) },
		},
		{
			name: "tail cut", says: "malformed", saved: filledCalls / 3,
			damage: func(files map[string][]byte) { files[""] = files[""][:len(files[""])*6/10] },
		},
		{
			name: "WAL flipped", killed: true, says: "the WAL is damaged", saved: filledCalls / 2,
			damage: func(files map[string][]byte) { flip(files["-wal"], 50, 51, 2000) },
		},
		{
			name: "header of the WAL flipped", killed: true, says: "the WAL is damaged", saved: filledCalls,
			damage: func(files map[string][]byte) { flip(files["-wal"][:32], 0, 70, 17) },
		},
		{
			name: "WAL cut", killed: true, says: "the WAL is damaged", saved: filledCalls / 4,
			damage: func(files map[string][]byte) { files["-wal"] = files["-wal"][:len(files["-wal"])/2] },
		},
		{
			name: "WAL gone", killed: true, says: "the WAL is damaged",
			damage: func(files map[string][]byte) { delete(files, "-wal") },
		},
		{
			name: "-shm garbage", killed: true, saved: filledCalls, whole: true,
			damage: func(files map[string][]byte) { files["-shm"] = bytes.Repeat([]byte("garbage"), 5000) },
		},
		{
			name: "zero length", says: "the file is empty",
			damage: func(files map[string][]byte) { files[""] = nil },
		},
		{
			name: "zero length beside a WAL", killed: true, says: "the file is empty", saved: filledCalls,
			damage: func(files map[string][]byte) { files[""] = nil },
		},
	}
}

// TestDamageNeverStopsTheServer: whatever happens to the files, the start says
// what it found and sets it aside, what can be read is delivered, and new calls
// are taken; so at each of three starts.
func TestDamageNeverStopsTheServer(t *testing.T) {
	stopped, killed := fill(t, (*server).stop), fill(t, (*server).kill)
	for _, h := range hurts() {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()  // it waits for servers that start and stop
			f := *stopped // with an address of its own below
			if h.killed {
				f = *killed
			}
			f.later = freePort(t)
			config, _ := f.put(t, h.damage)
			if text, code := cdrelay(t, "spool", "check", "-c", config); (code == 0) != h.whole || !strings.Contains(text, h.says) {
				t.Errorf("check: exit %d, does not say %q:\n%s", code, h.says, text)
			}
			later := newSinkAt(t, f.later, always(http.StatusOK))
			saved := func() int { return distinct(later, filledCalls) }
			log, aside := "", 0
			for run := range 3 {
				s := start(t, config)
				s.offer(filledCalls + run)
				eventually(t, "what was saved and what was taken is delivered", func() bool {
					return saved() >= h.saved && distinct(later, 1<<30) >= saved()+run+1
				})
				aside = s.metric("cdrelay_spool_quarantined_total")
				s.stop()
				log += s.log.String()
			}
			if n := distinct(later, 1<<30) - saved(); saved() < h.saved || n != 3 {
				t.Errorf("%d of the old calls and %d of the new ones were delivered, want %d and 3", saved(), n, h.saved)
			}
			t.Logf("%d of %d calls were saved", saved(), filledCalls)
			h.told(t, config, log, aside)
		})
	}
}

// offer posts a call until it is taken, as a platform does. Only a server that
// has met damage may refuse it.
func (s *server) offer(n int) {
	s.t.Helper()
	body := strings.Replace(callback(s.t, "infin8linx-call.json"), "263056202", strconv.Itoa(100000+n), 1)
	refused := ""
	eventually(s.t, "a new call is taken", func() bool {
		status, answer := s.post(dialer, body)
		if status == http.StatusServiceUnavailable {
			refused = answer
		} else if status != http.StatusOK {
			s.t.Fatalf("call %d: %d %s", n, status, answer)
		}
		return status == http.StatusOK
	})
	if refused != "" && !strings.Contains(s.log.String(), "damage was met") {
		s.t.Fatalf("call %d was refused without damage: %s", n, refused)
	}
}

// TestDamageWhileItRuns: the file of a server that serves is damaged. The same
// process sets it aside, saves what can be read, delivers that, and takes calls.
func TestDamageWhileItRuns(t *testing.T) {
	f := fill(t, (*server).stop)
	for name, damage := range map[string]func(files map[string][]byte){
		"pages in the middle": func(files map[string][]byte) { flip(files[""], 45, 55, 100) },
		"tail cut":            func(files map[string][]byte) { files[""] = files[""][:len(files[""])*6/10] },
		"all but the header":  func(files map[string][]byte) { flip(files[""], 3, 100, 500) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits for a server
			f := *f
			f.later = freePort(t)
			config, path := f.put(t, func(map[string][]byte) {})
			s := start(t, config)
			live := map[string][]byte{"": bytes.Clone(f.files[""])}
			damage(live)
			overwrite(t, path, live[""])
			later := newSinkAt(t, f.later, always(http.StatusOK))
			refused := s.awaitDamage()
			s.offer(filledCalls)
			eventually(t, "the new call and what was saved is delivered", func() bool {
				return distinct(later, 1<<30) > distinct(later, filledCalls) && s.metric(`cdrelay_pending_deliveries{sink="later"}`) == 0
			})
			saved, told := distinct(later, filledCalls), s.metric("cdrelay_spool_quarantined_total")
			t.Logf("%d of %d calls were saved, %d set aside, answer 503 seen: %t", saved, filledCalls, told, refused)
			if want := map[string]int{"pages in the middle": filledCalls / 2, "tail cut": filledCalls / 3}[name]; saved < want || told < 1 {
				t.Errorf("%d calls were saved, want %d; %d were set aside", saved, want, told)
			}
			names, err := filepath.Glob(path + ".damaged-*")
			if err != nil || len(names) == 0 || !strings.Contains(s.log.String(), names[0]) {
				t.Errorf("kept %q, %v; the log must name it", names, err)
			}
			s.stop()
			if text, code := cdrelay(t, "spool", "check", "-c", config); code != 0 {
				t.Errorf("check after it: exit %d: %s", code, text)
			}
		})
	}
}

// overwrite changes a file in place, under the server that has it open.
func overwrite(t *testing.T, path string, b []byte) {
	t.Helper()
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, werr := file.WriteAt(b, 0)
	if err := errors.Join(werr, file.Truncate(int64(len(b))), file.Close()); err != nil {
		t.Fatal(err)
	}
}

// awaitDamage waits until the server has met damage and works again, and tells
// whether it was not ready meanwhile.
func (s *server) awaitDamage() (refused bool) {
	s.t.Helper()
	eventually(s.t, "damage is met and the server is ready again", func() bool {
		status, reason := s.get("/readyz")
		refused = refused || status == http.StatusServiceUnavailable && strings.Contains(reason, "damaged")
		return status == http.StatusOK && strings.Contains(s.log.String(), "the spool works again after damage")
	})
	return refused
}

// told looks at what the operator is told of the damage.
func (h hurt) told(t *testing.T, config, log string, aside int) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(filepath.Dir(config), "*.damaged-*"))
	if err != nil {
		t.Fatal(err)
	}
	text, code := cdrelay(t, "spool", "check", "-c", config)
	if code != 0 {
		t.Errorf("after all: exit %d\n%s", code, text)
	}
	if h.whole {
		if len(names) > 0 || aside != 0 {
			t.Errorf("%d was set aside, in %q, for nothing\n%s", aside, names, log)
		}
		return
	}
	if aside < 1 || (len(names) == 0) != h.rows {
		t.Fatalf("%d was set aside, in %q", aside, names)
	}
	if h.rows {
		names = []string{"table set_aside"}
	}
	for _, want := range []string{h.says, names[0]} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}
	if !h.rows && !strings.Contains(text, "an earlier damaged file is kept as "+names[0]) {
		t.Errorf("the check does not name what is kept:\n%s", text)
	}
}

// distinct counts the calls below a number that a sink has got.
func distinct(s *sink, below int) int {
	seen := map[int]bool{}
	for _, b := range s.got() {
		var r struct{ ID string }
		if json.Unmarshal([]byte(b), &r) != nil {
			continue
		}
		_, number, _ := strings.Cut(r.ID, "-")
		if n, err := strconv.Atoi(number); err == nil && n-100000 < below {
			seen[n] = true
		}
	}
	return len(seen)
}

// TestSalvageByHand: with the server stopped, salvage tells what is saved and
// what is lost; on a sound spool it does nothing.
func TestSalvageByHand(t *testing.T) {
	f := fill(t, (*server).stop)
	config, _ := f.put(t, func(map[string][]byte) {})
	if text, code := cdrelay(t, "spool", "salvage", "-c", config); code != 1 || !strings.Contains(text, "the spool is sound and was left as it is: --force") {
		t.Errorf("of a sound spool: exit %d: %s", code, text)
	}
	config, path := f.put(t, func(files map[string][]byte) { flip(files[""], 40, 50, 3000) })
	text, code := cdrelay(t, "spool", "salvage", "-c", config)
	if code != 0 || !regexp.MustCompile(`(?m)^calls +\d+ +\d+`).MatchString(text) || !strings.Contains(text, "is kept as "+path+".damaged-") {
		t.Errorf("exit %d: %s", code, text)
	}
	t.Log(text)
	if text, code := cdrelay(t, "spool", "check", "-c", config); code != 0 || !strings.Contains(text, path+" is sound") {
		t.Errorf("check after it: exit %d: %s", code, text)
	}
	out, code := cdrelay(t, "spool", "salvage", "--force", "-o", "json", "--path", path)
	var report struct {
		Tables []struct {
			Table       string
			Saved, Lost int
			Complete    bool
		}
	}
	if err := json.Unmarshal([]byte(out), &report); code != 0 || err != nil {
		t.Fatalf("forced: exit %d, %v: %s", code, err, out)
	}
	for _, table := range report.Tables {
		if table.Lost > 0 || !table.Complete || table.Table == "calls" && table.Saved == 0 {
			t.Errorf("forced: %+v", table)
		}
	}
}

// TestBackupWhileItRuns: the copy is sound, private and complete, nothing is
// overwritten, and the other commands say that a server runs.
func TestBackupWhileItRuns(t *testing.T) {
	crm := newSink(t, always(http.StatusOK))
	config := configure(t, twoSinks, crm.URL, freePort(t))
	s := start(t, config)
	for i := range 30 {
		s.take(i)
	}
	backup := filepath.Join(t.TempDir(), "backup.db")
	if text, code := cdrelay(t, "spool", "backup", "-c", config, backup); code != 0 || !strings.Contains(text, "30 calls (") {
		t.Fatalf("exit %d: %s", code, text)
	}
	if info, err := os.Stat(backup); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	if text, code := cdrelay(t, "spool", "backup", "-c", config, backup); code != 1 || !strings.Contains(text, "overwrites nothing") {
		t.Errorf("a second backup: exit %d: %s", code, text)
	}
	if text, code := cdrelay(t, "spool", "check", "--path", backup); code != 0 || !strings.Contains(text, "is sound") {
		t.Errorf("check of the copy: exit %d: %s", code, text)
	}
	left, err := filepath.Glob(backup + "?*")
	if err != nil || len(left) > 0 {
		t.Errorf("left beside the copy: %q, %v", left, err)
	}
	holder := fmt.Sprintf("spool is held by process %d ", s.cmd.Process.Pid)
	for _, command := range []string{"check", "salvage"} {
		if text, code := cdrelay(t, "spool", command, "-c", config); code != 1 || !strings.Contains(text, holder) {
			t.Errorf("%s while it runs: exit %d: %s", command, code, text)
		}
	}
	s.take(30)
	if n := s.metric("cdrelay_spool_quarantined_total"); n != 0 {
		t.Errorf("%d was set aside", n)
	}
}
