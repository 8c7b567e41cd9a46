package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	zombie "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
	"github.com/cdrelay/cdrelay/internal/spool/sqlite"
)

// refused opens a spool that must not open, and gives the reason.
func refused(t *testing.T, path string) string {
	t.Helper()
	s, err := sqlite.Open(t.Context(), spool.Config{Path: path}, sqlite.Deps{Log: quiet(), Repair: repair.Tool{}})
	if err == nil {
		_ = s.Close(t.Context())
		t.Fatalf("%s was opened", path)
	}
	return err.Error()
}

func TestFilesArePrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "cdrelay.db")
	accept(t, open(t, spool.Config{Path: path}), "a")
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode(); mode != 0o600 {
			t.Errorf("%s has mode %v", info.Name(), mode)
		}
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, error %v", info.Mode(), err)
	}
}

func TestANewerSchemaIsRefused(t *testing.T) {
	s := open(t, spool.Config{Path: filepath.Join(t.TempDir(), "cdrelay.db")})
	path := s.Path()
	if err := s.Exec(`PRAGMA user_version = 99`); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := refused(t, path); !strings.Contains(got, "schema version 99") || !strings.Contains(got, "start a newer cdrelay") {
		t.Errorf("refused with %q", got)
	}
	if kept, _ := filepath.Glob(path + ".damaged*"); len(kept) != 0 {
		t.Errorf("it was set aside: %v", kept)
	}
}

func TestAFileOfAnotherProgramIsRefusedAndNotTouched(t *testing.T) {
	for name, script := range map[string]string{
		"no version":          `CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine');`,
		"a version":           `CREATE TABLE notes (text TEXT); PRAGMA user_version = 1;`,
		"another application": `PRAGMA application_id = 42; PRAGMA user_version = 1;`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "notes.db")
			c, err := zombie.OpenConn(path, zombie.OpenReadWrite|zombie.OpenCreate)
			if err != nil {
				t.Fatal(err)
			}
			if err := sqlitex.ExecuteScript(c, script, nil); err != nil {
				t.Fatal(err)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			before := read(t, path)
			if got := refused(t, path); !strings.Contains(got, "another program: choose another spool.path") {
				t.Errorf("refused with %q", got)
			}
			if !bytes.Equal(before, read(t, path)) {
				t.Error("the file was changed")
			}
		})
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAFolderThatCannotBeMadeIsAnError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := refused(t, filepath.Join(file, "cdrelay.db")); !strings.Contains(got, "spool folder") {
		t.Errorf("refused with %q", got)
	}
}
