package sqlite_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	zombie "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

func TestPathsThatNameNoFileAreRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	for path, want := range map[string]string{
		":memory:":                            "in memory",
		":MEMORY:":                            "in memory",
		"./:memory:":                          "in memory",
		":memory:?cache=shared":               "in memory",
		"file::memory:":                       "in memory",
		"file::memory:?cache=shared":          "in memory",
		"file:calls?mode=memory":              "in memory",
		"FILE:calls?cache=shared&mode=MEMORY": "in memory",
		"calls.db?mode=memory":                "in memory",
		"file:/calls?vfs=memdb":               "in memory",
		"file:%3Amemory%3A":                   "is a URI",
		"file:calls.db":                       "is a URI",
		"file:///var/lib/calls.db":            "is a URI",
		"sqlite:///var/lib/calls.db":          "is a URI",
		"sqlite3:calls.db":                    "is a URI",
		"postgres://user@127.0.0.1/calls":     "is a URI",
		"calls.db?cache=shared":               "is a URI",
		" ":                                   "is empty",
		"\t":                                  "is empty",
		".":                                   "names a folder",
		"..":                                  "names a folder",
		"data/":                               "names a folder",
		"/":                                   "names a folder",
		"calls\x00.db":                        "a zero byte",
	} {
		var said []string
		spool.Config{Path: path}.Validate(func(at, text string) { said = append(said, at+": "+text) })
		if len(said) != 1 || !strings.HasPrefix(said[0], "path: ") || !strings.Contains(said[0], want) {
			t.Errorf("%q: the configuration says %q, want %q", path, said, want)
		}
		if got := refused(t, path); !strings.Contains(got, want) {
			t.Errorf("%q: refused with %q, want %q", path, got, want)
		}
	}
	if left, err := os.ReadDir("."); err != nil || len(left) > 0 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
	for _, path := range []string{"", "calls.db", "memory.db", "a:b.db", "./file:calls.db", "data/what?.db"} {
		spool.Config{Path: path}.Validate(func(at, text string) { t.Errorf("%q: %s %s", path, at, text) })
	}
}

// foreigners puts something that is no spool at a path.
func foreigners() map[string]func(path string) error {
	write := func(b []byte) func(string) error {
		return func(path string) error { return os.WriteFile(path, b, 0o600) }
	}
	script := func(sql string) func(string) error {
		return func(path string) error {
			c, err := zombie.OpenConn(path, zombie.OpenReadWrite|zombie.OpenCreate)
			if err != nil {
				return err
			}
			if err := sqlitex.ExecuteScript(c, sql, nil); err != nil {
				return err
			}
			return c.Close()
		}
	}
	const notes = `CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine');`
	return map[string]func(path string) error{
		"a text":              write([]byte("Dear diary, ")),
		"a long text":         write(bytes.Repeat([]byte("Dear diary,\n"), 5000)),
		"YAML":                write([]byte("spool: {path: x}\n")),
		"gzip":                write(gzipped()),
		"zstd":                write([]byte("\x28\xb5\x2f\xfd\x00\x01")),
		"zip":                 write(append([]byte("PK\x03\x04"), make([]byte, 50_000)...)),
		"a picture":           write(append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 50_000)...)),
		"a database":          script(notes),
		"a database in WAL":   func(path string) error { return otherWAL(path, notes) },
		"another application": script(`PRAGMA application_id = 42; PRAGMA user_version = 1;`),
		"a large database":    script(notes + `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 1000) INSERT INTO notes SELECT hex(zeroblob(200)) FROM n`),
		"a folder":            func(path string) error { return os.Mkdir(path, 0o700) },
		"a named pipe":        func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"a socket":            listen,
		"a link to a device":  func(path string) error { return os.Symlink(os.DevNull, path) },
		"a dangling link":     func(path string) error { return os.Symlink("/nowhere/cdrelay.db", path) },
		"a link to itself":    func(path string) error { return os.Symlink(path, path) },
		"a link to a text":    func(path string) error { return linkTo(path, "Dear diary, ") },
		"a link to a folder":  func(path string) error { return os.Symlink(filepath.Dir(path), path) },
	}
}

// otherWAL leaves a database with its latest commits in the WAL.
func otherWAL(path, sql string) error {
	c, err := zombie.OpenConn(path+".source", zombie.OpenReadWrite|zombie.OpenCreate)
	if err != nil {
		return err
	}
	if err := sqlitex.ExecuteScript(c, `CREATE TABLE first (a);`, nil); err != nil {
		return err
	}
	if err := sqlitex.ExecuteTransient(c, `PRAGMA journal_mode = WAL`, nil); err != nil {
		return err
	}
	if err := sqlitex.ExecuteScript(c, sql, nil); err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(path + ".source" + suffix)
		if err == nil {
			err = os.WriteFile(path+suffix, b, 0o600)
		}
		if err != nil {
			return err
		}
	}
	if err := c.Close(); err != nil {
		return err
	}
	return os.Remove(path + ".source")
}

func gzipped() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, 100_000)) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}

func listen(path string) error {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return err
	}
	l.SetUnlinkOnClose(false)
	return l.Close()
}

func linkTo(path, text string) error {
	if err := os.WriteFile(path+".txt", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Symlink(path+".txt", path)
}

// listing describes all that is in a folder.
func listing(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		all[path] = fmt.Sprint(info.Mode(), info.Size(), info.ModTime())
		if e.Type().IsRegular() {
			all[path] += string(read(t, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestWhatIsNoSpoolIsLeftAlone: serve, check and the commands on spools refuse it,
// and nothing is written to it or made beside it.
func TestWhatIsNoSpoolIsLeftAlone(t *testing.T) {
	for name, put := range foreigners() {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "cdrelay.db")
			if err := put(path); err != nil {
				t.Fatal(err)
			}
			before := listing(t, folder)
			cfg := spool.Config{Path: path}
			t.Log(refused(t, path))
			if _, err := repair.Check(t.Context(), path); err == nil {
				t.Error("a check goes on")
			}
			if _, err := repair.Salvage(t.Context(), cfg, true); err == nil {
				t.Error("a salvage goes on")
			}
			if _, err := repair.Backup(t.Context(), path, filepath.Join(t.TempDir(), "backup.db")); err == nil {
				t.Error("a backup was made")
			}
			var said []string
			dbfile.Examine(cfg, func(_, text string) { said = append(said, text) }, func(_, _ string) {})
			if len(said) != 1 {
				t.Errorf("the configuration's check says %q", said)
			}
			if after := listing(t, folder); !maps.Equal(before, after) {
				t.Errorf("before: %q\nafter: %q", slices.Sorted(maps.Keys(before)), slices.Sorted(maps.Keys(after)))
			}
		})
	}
}

// TestAPlaceThatIsFineIsSoByExamine: nothing there yet, a spool, one in use, a
// damaged one.
func TestAPlaceThatIsFineIsSoByExamine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "cdrelay.db")
	fine := func(when string) {
		t.Helper()
		dbfile.Examine(
			spool.Config{Path: path},
			func(at, text string) { t.Errorf("%s: %s %s", when, at, text) },
			func(at, text string) { t.Logf("%s: %s %s", when, at, text) })
	}
	fine("nothing there")
	if _, err := os.Stat(filepath.Dir(path)); err == nil {
		t.Error("the folder was made")
	}
	s := open(t, spool.Config{Path: path})
	accept(t, s, "a")
	fine("in use")
	accept(t, s, "b")
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	fine("stopped")
	spoil(t, path, "", 1)
	fine("damaged")
}

func TestASpoolBehindALink(t *testing.T) {
	folder := t.TempDir()
	file, link := filepath.Join(folder, "data", "calls.db"), filepath.Join(folder, "cdrelay.db")
	if err := open(t, spool.Config{Path: file}).Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join("data", "calls.db"), link); err != nil {
		t.Fatal(err)
	}
	s := open(t, spool.Config{Path: link})
	accept(t, s, "a")
	if s.Path() != file {
		t.Errorf("the file is %s, want %s: SQLite names the WAL after it", s.Path(), file)
	}
	if left, err := filepath.Glob(link + "?*"); err != nil || len(left) > 0 {
		t.Errorf("beside the link: %q, %v", left, err)
	}
}

// TestASecondNameIsNoSecondSpool: a second process is refused by the file itself,
// through whatever name it came, and whatever became of the lock file.
func TestASecondNameIsNoSecondSpool(t *testing.T) {
	folder := t.TempDir()
	s := open(t, spool.Config{Path: filepath.Join(folder, "cdrelay.db")})
	accept(t, s, "a")
	hard, soft, dir := filepath.Join(folder, "hard.db"), filepath.Join(folder, "soft.db"), filepath.Join(folder, "dir")
	for _, err := range []error{os.Link(s.Path(), hard), os.Symlink(s.Path(), soft), os.Symlink(folder, dir), os.Remove(s.Path() + ".lock")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{s.Path(), hard, soft, filepath.Join(dir, "cdrelay.db")} {
		if code, text := runChild(t, "open:"+path); code != 1 || !strings.Contains(text, "spool is held by") {
			t.Errorf("%s: exit %d: %s", path, code, text)
		}
		if _, err := repair.Check(t.Context(), path); err == nil || !strings.Contains(err.Error(), "spool is held by") {
			t.Errorf("a check of %s: %v", path, err)
		}
	}
	if err := s.Reopen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code, text := runChild(t, "open:"+hard); code != 1 {
		t.Errorf("after it was opened again: exit %d: %s", code, text)
	}
	accept(t, s, "b")
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if code, text := runChild(t, "open:"+s.Path()); code != 0 {
		t.Errorf("after the close: exit %d: %s", code, text)
	}
}

// TestWhatIsNoFileBesideASpoolIsRefused: nothing is written through a link, and no
// start waits at a pipe.
func TestWhatIsNoFileBesideASpoolIsRefused(t *testing.T) {
	const diary = "Dear diary, "
	for _, ending := range []string{".lock", ".reserve", "-wal", "-shm"} {
		for kind, put := range map[string]func(name string) error{
			"a link":       func(name string) error { return linkTo(name, diary) },
			"a named pipe": func(name string) error { return syscall.Mkfifo(name, 0o600) },
			"a folder":     func(name string) error { return os.Mkdir(name, 0o700) },
		} {
			path := filepath.Join(t.TempDir(), "cdrelay.db")
			if err := put(path + ending); err != nil {
				t.Fatal(err)
			}
			if got := refused(t, path); !strings.Contains(got, path+ending+" is "+kind) {
				t.Errorf("%s at %s: refused with %q", kind, ending, got)
			}
			if kind != "a link" {
				continue
			}
			if text, err := os.ReadFile(path + ending); err != nil || string(text) != diary {
				t.Errorf("%s: the file behind the link holds %q, %v", ending, text, err)
			}
		}
	}
}

// TestAStartWithoutItsSpoolSaysSo: what a spool leaves beside its file shows that
// one is missing, and that the volume may not be mounted.
func TestAStartWithoutItsSpoolSaysSo(t *testing.T) {
	for name, left := range map[string]string{
		"nothing": "", "a lock": ".lock", "a mark": ".suspect", "a mark of a check": ".unchecked", "a damaged file": ".damaged-20260101T000000.000",
		"a saved file": ".saved-20260101T000000.000",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cdrelay[1].db")
			if left != "" {
				if err := os.WriteFile(path+left, nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			log := &logText{}
			s, err := sqlite.Open(t.Context(), spool.Config{Path: path}, sqlite.Deps{Log: slog.New(slog.NewJSONHandler(log, nil)), Repair: repair.Tool{}})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close(context.WithoutCancel(t.Context())) })
			warned := strings.Contains(log.String(), `"level":"WARN","msg":"the spool is missing`) && strings.Contains(log.String(), path+left)
			if warned != (left != "") {
				t.Errorf("the log: %s", log)
			}
		})
	}
}

// TestASpoolThatWasOverwrittenIsNoForeignFile: what lies beside it tells that it
// was a spool, so it is set aside, and the server serves.
func TestASpoolThatWasOverwrittenIsNoForeignFile(t *testing.T) {
	for name, garbage := range map[string][]byte{
		"text":  bytes.Repeat([]byte("not a database "), 1000),
		"zeros": make([]byte, 200_000),
		"short": []byte("SQLite format 3\x00"),
	} {
		t.Run(name, func(t *testing.T) {
			path := closed(t, 20)
			if err := os.WriteFile(path, garbage, 0o600); err != nil {
				t.Fatal(err)
			}
			accept(t, open(t, spool.Config{Path: path}), "a")
			if names := kept(t, path); len(names) != 1 || !bytes.Equal(garbage, read(t, names[0])) {
				t.Errorf("set aside: %v, want one file, byte for byte", names)
			}
		})
	}
}
