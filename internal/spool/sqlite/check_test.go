package sqlite_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	zombie "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/spool/repair"
)

// script runs statements on a file that nobody has open.
func script(t *testing.T, path, statements string) {
	t.Helper()
	c, err := zombie.OpenConn(path, zombie.OpenReadWrite|zombie.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(sqlitex.ExecuteScript(c, statements, nil), c.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestACheckFindsRowsThatContradictEachOther(t *testing.T) {
	for name, c := range map[string]struct{ statement, says, example string }{
		"a call is gone":              {`DELETE FROM calls WHERE seq = 15`, "deliveries whose call is not there", "call 15 in lane 1"},
		"a dead letter is gone":       {`DELETE FROM dead_letters WHERE call_seq = 3`, "dead letter which is not there", "call 3 in lane 1"},
		"a dead delivery waits again": {`UPDATE deliveries SET state = 1 WHERE call_seq = 3`, "dead letters whose delivery is not there", ""},
		"an unknown state":            {`UPDATE deliveries SET state = 77 WHERE call_seq = 15`, "state that does not exist", "call 15 in lane 1"},
		"an unknown stage":            {`UPDATE dead_letters SET stage = 'space' WHERE call_seq = 3`, "stage that does not exist", ""},
		"an unknown lane":             {`DELETE FROM lanes`, "lane that does not exist", ""},
		"a fresh one with a time":     {`UPDATE deliveries SET due = 5 WHERE call_seq = 15`, "order of acceptance", "call 15 in lane 1"},
		"held behind nothing":         {`UPDATE deliveries SET state = 3 WHERE call_seq = 15`, "held behind", "call 15 in lane 1"},
		"a record of nonsense":        {`UPDATE calls SET record = x'00' WHERE seq = 15`, "cannot be read", "dialer:14"},
		"a flipped byte in a record":  {`UPDATE calls SET record = replace(record, '081234567890', '081234567891') WHERE seq = 15`, "cannot be read", "dialer:14"},
		"a record of another schema":  {`UPDATE calls SET record = '{"schema":"x"}' WHERE seq = 15`, "cannot be read", "dialer:14"},
		"a key is gone":               {`DELETE FROM number_keys WHERE call_seq = 15`, "not found by their number", "dialer:14"},
		"a key of nothing":            {`INSERT INTO number_keys VALUES (0, '123', 999)`, "search keys", "123"},
		"a wrong number of calls":     {`UPDATE counted SET calls = 100`, "number of calls", ""},
		"an index without rows":       {`PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, 'state < 4', 'state < 9') WHERE name = 'waiting'`, "SQLite finds", ""},
		"no tables":                   {`PRAGMA user_version = 0`, "no tables", ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := closed(t, 20)
			script(t, path, c.statement)
			before := read(t, path)
			r, err := repair.Check(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			found := ""
			for _, f := range r.Findings {
				if strings.Contains(f.What, c.says) && strings.Contains(f.Example, c.example) && f.Count > 0 && f.Remedy != "" {
					return
				}
				found += fmt.Sprintf("%+v\n", f)
			}
			t.Errorf("nothing says %q with %q:\n%s", c.says, c.example, found)
			if string(before) != string(read(t, path)) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestACheckOfASoundSpoolChangesNothing(t *testing.T) {
	path := closed(t, 20)
	for _, name := range []string{path + ".lock", path + ".reserve"} { // the second comes with the first look at the space
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Dir(path), 0o500); err != nil { // in vain where the test runs as root
		t.Fatal(err)
	}
	r, err := repair.Check(t.Context(), path)
	if err := os.Chmod(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err != nil || !r.Sound() || r.Rows["calls"] != 20 || r.Rows["dead_letters"] != 10 || r.Waiting != 10 || len(r.Notes) != 0 {
		t.Errorf("%+v, error %v", r, err)
	}
	if names, err := filepath.Glob(path + "*"); err != nil || len(names) != 1 {
		t.Errorf("there are %q now, error %v", names, err)
	}
}

func TestACheckReadsTheWALOfAKilledServer(t *testing.T) {
	path := killed(t, 20)
	wal, index := read(t, path+"-wal"), read(t, path+"-shm")
	for range 2 {
		r, err := repair.Check(t.Context(), path)
		if err != nil || !r.Sound() || r.Rows["calls"] != 20 {
			t.Errorf("%+v, error %v", r, err)
		}
		if len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "unclean") {
			t.Errorf("notes: %q", r.Notes)
		}
	}
	if string(wal) != string(read(t, path+"-wal")) || string(index) != string(read(t, path+"-shm")) {
		t.Error("the WAL or its index were changed")
	}
}

// killed copies the files of a spool with calls 0 to n-1 while it is open.
func killed(t *testing.T, n int) (path string) {
	t.Helper()
	s := open(t, spool.Config{})
	for i := range n {
		accept(t, s, fmt.Sprint(i))
	}
	path = filepath.Join(t.TempDir(), "cdrelay.db")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.WriteFile(path+suffix, read(t, s.Path()+suffix), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// TestACheckTakesADoubtfulDeliveryForWhatItIs: it is a state like others.
func TestACheckTakesADoubtfulDeliveryForWhatItIs(t *testing.T) {
	path := closed(t, 20)
	script(t, path, `UPDATE deliveries SET state = -1 WHERE call_seq = 15`)
	if r, err := repair.Check(t.Context(), path); err != nil || !r.Sound() {
		t.Errorf("%+v, error %v", r, err)
	}
}
