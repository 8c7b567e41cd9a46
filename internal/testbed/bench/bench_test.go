package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	// What the binary is made of: without it a cached result of `go test` would
	// stand for a binary that has changed.
	_ "github.com/cdrelay/cdrelay/internal/app"
)

// TestMain lets the test's binary be the peers, which the harness starts as
// itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "post" || os.Args[1] == "sink" || os.Args[1] == "bare" || os.Args[1] == "proxy") {
		os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestRounds runs the real thing in small: what it gives is right, though not
// what it costs.
func TestRounds(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(filepath.Join("..", "..", ".."))
	h, err := newHarness(t.Context(), settings{
		out: folder, rounds: 1, seconds: 50 * time.Millisecond, backlog: 600, drain: 200 * time.Millisecond, calm: 100 * time.Millisecond,
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	}()
	waiting, err := h.backlogged(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if lane, drained := valueIn(t, waiting, "lane.beside"), valueIn(t, waiting, "drain.rate"); lane <= 0 || drained <= 0 {
		t.Errorf("%v delivered a second, %v drained", lane, drained)
	}
	if ready, idle := valueIn(t, waiting, "start.crash"), valueIn(t, waiting, "memory.idle"); ready <= 0 || idle < 5 {
		t.Errorf("ready after %v s with %v MB", ready, idle)
	}
}

func valueIn(t *testing.T, s section, key string) float64 {
	t.Helper()
	for _, f := range s.Figures {
		if f.Key == key {
			return f.Value
		}
	}
	t.Fatalf("%s has no %s", s.Title, key)
	return 0
}

func TestUse(t *testing.T) {
	for _, args := range [][]string{{}, {"nothing"}, {"run", "-h"}} {
		if code := run(args, strings.NewReader(""), io.Discard, io.Discard); code != 2 {
			t.Errorf("%q gives %d", args, code)
		}
	}
	var told bytes.Buffer
	if code := run([]string{"run", "-rounds", "0"}, strings.NewReader(""), io.Discard, &told); code != 1 || !strings.Contains(told.String(), "rounds") {
		t.Errorf("exit %d: %s", code, &told)
	}
}

func TestTable(t *testing.T) {
	s := section{Title: "what"}
	s.add("a", "fast", "/s", 12000, 9000, 11000).least(10000)
	s.add("b", "big", "MB", 151).most(150)
	s.add("c", "neither", "", 0.5)
	want := `| what | median | least – greatest | budget | |
| --- | ---: | ---: | --- | --- |
| fast | 11,000 /s | 9,000 – 12,000 | ≥ 10000 | met |
| big | 151 MB |  | ≤ 150 | **not met** |
| neither | 0.50 |  |  |  |
`
	if got := s.markdown(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if m := median([]float64{4, 1, 3, 2}); m != 2.5 {
		t.Errorf("median %v", m)
	}
}

func TestReplace(t *testing.T) {
	text, err := replace("a\n<!-- bench:x -->\nold\n<!-- /bench:x -->\nb\n", "x", "new\n\n")
	if err != nil || text != "a\n<!-- bench:x -->\nnew\n<!-- /bench:x -->\nb\n" {
		t.Errorf("%q %v", text, err)
	}
	for _, broken := range []string{"", "<!-- bench:x -->\n", "<!-- /bench:x -->\n"} {
		if _, err := replace(broken, "x", "new"); err == nil {
			t.Errorf("%q has its markers", broken)
		}
	}
}

// TestTheDocumentHasAllMarkers: else the figures could not be set into it.
func TestTheDocumentHasAllMarkers(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "..", document))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"budgets", "growth", "sizing", "go"} {
		if _, err := replace(string(text), name, ""); err != nil {
			t.Error(err)
		}
	}
}

func TestGoTable(t *testing.T) {
	var text strings.Builder
	for _, b := range goBudgets() {
		dot := strings.LastIndexByte(b.name[:strings.IndexAny(b.name, ".")+1], '.')
		text.WriteString("pkg: github.com/cdrelay/cdrelay/" + b.name[:dot] + "\n")
		for range 2 {
			text.WriteString("Benchmark" + b.name[dot+1:] + "-2   100   2500 ns/op   3.5 MB/s   64 B/op   9999 allocs/op\n")
		}
	}
	table, err := goTable(text.String())
	if err != nil || strings.Count(table, "| 2,500 | 64.0 | 9999 |") != len(goBudgets()) || strings.Count(table, "**not met**") != len(goBudgets()) {
		t.Errorf("%v\n%s", err, table)
	}
	if _, err := goTable("PASS\n"); err == nil || !strings.Contains(err.Error(), "internal/spool/sqlite.Settle was not run") {
		t.Errorf("error %v", err)
	}
}

func TestSizing(t *testing.T) {
	var s section
	for key, v := range map[string]float64{
		"intake.1.cpu": 4, "intake.64.cpu": 1, "e2e.1.cpu": 2, "e2e.3.cpu": 1, "e2e.1.rate": 9000, "e2e.3.rate": 12000,
		"memory.idle": 30, "memory.load": 60, "memory.backlog": 90, "disk.waiting": 1000, "disk.history": 2000,
	} {
		s.add(key, "", "", v)
	}
	text, err := sizing(report{Sections: []section{s}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"At most 9,000 calls a second to one sink and 4,000 to three",
		"request 48Mi, limit 144Mi",
		"1.00 GB while they wait, 2.00 GB as history",
		// 500 µs and 600 µs a call, half as much again.
		"| 100 | 8,640,000 | 80m | 90m | 181 GB | 13.0 GB |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	s.Figures = s.Figures[1:]
	if _, err := sizing(report{Sections: []section{s}}); err == nil {
		t.Error("a figure that is not there is not missed")
	}
}

func TestPlotIsDrawn(t *testing.T) {
	c := curve{Title: "a < b", What: "calls", Per: "callback"}
	for _, x := range []int64{0, 1000, 100_000} {
		c.Points = append(c.Points, point{X: x, Cost: figure{Samples: []float64{80, 120}, Value: 100}})
	}
	text := plot([]curve{c, c, c})
	elements := map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if e, ok := token.(xml.StartElement); ok {
			elements[e.Name.Local]++
		}
	}
	if elements["g"] != 3 || elements["circle"] != 9 || elements["polyline"] != 3 || strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Errorf("%v\n%s", elements, text)
	}
}

func TestMachine(t *testing.T) {
	mounts := "/dev/vda / ext4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n/dev/vdb /run/data xfs rw 0 0\n"
	for folder, want := range map[string]string{"/home/a": "ext4", "/run/a": "tmpfs", "/run/data/a": "xfs", "/runner": "ext4"} {
		if got := fileSystem(mounts, folder); got != want {
			t.Errorf("%s lies on %s, want %s", folder, got, want)
		}
	}
	if got := valueOf("processor : 0\nmodel name\t: Some CPU @ 2 GHz\n", "model name"); got != "Some CPU @ 2 GHz" {
		t.Error(got)
	}
}

func TestSyncsAreCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "strace")
	table := `% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.600000         600      1000         2 fdatasync
 40.00    0.400000         400        24           fsync
------ ----------- ----------- --------- --------- ----------------
100.00    1.000000         976      1024         2 total
`
	if err := os.WriteFile(path, []byte(table), 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := countSyncs(path); err != nil || n != 1024 {
		t.Errorf("%v %v", n, err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := countSyncs(path); err == nil {
		t.Error("no sync is taken for a count")
	}
}

func TestCallbackHasItsSize(t *testing.T) {
	t.Chdir(filepath.Join("..", "..", ".."))
	for _, size := range []int{0, 500, 50_000} {
		body, err := callback(12, size)
		if err != nil || !json.Valid(body) || len(body) < size || len(body) > size+450 || !bytes.Contains(body, []byte(`"bench-0000000012"`)) {
			t.Errorf("%d bytes for %d: %v\n%.300s", len(body), size, err, body)
		}
	}
}
