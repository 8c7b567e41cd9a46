package spool_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func TestBytes(t *testing.T) {
	for text, want := range map[string]spool.Bytes{
		"4GiB": 4 << 30, "512MiB": 512 << 20, "1.5KiB": 1536, "10 MB": 10_000_000, "2kB": 2000, "3TB": 3e12, "1TiB": 1 << 40, "7B": 7, "12345": 12345, "0": 0,
	} {
		var got spool.Bytes
		if err := yaml.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s: %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"4Gib", "many", "-1", "4 GiB MiB", "[1]", "{a: 1}", "NaN", "Inf", "1e40", `""`, "GiB"} {
		var got spool.Bytes
		err := yaml.Unmarshal([]byte("\n"+text), &got)
		var typed *yaml.TypeError
		if !errors.As(err, &typed) || !strings.HasPrefix(typed.Errors[0], "line 2: ") {
			t.Errorf("%s: %d with error %v, want a yaml.TypeError that names line 2", text, got, err)
		}
	}
}

func FuzzBytes(f *testing.F) {
	for _, seed := range []string{"4GiB", "1.5 MB", "0x10", "9e99TiB", "-0", ".5KiB"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b, again spool.Bytes
		n := yaml.Node{Kind: yaml.ScalarNode, Value: text}
		if b.UnmarshalYAML(&n) != nil {
			return
		}
		if b < 0 {
			t.Fatalf("%q is read as %d", text, b)
		}
		n.Value = b.String()
		if err := again.UnmarshalYAML(&n); err != nil || again != b {
			t.Errorf("%q is %d, written %q, read again %d with %v", text, b, b.String(), again, err)
		}
	})
}

func TestConfigDefaultsAndProblems(t *testing.T) {
	got := spool.Config{}.WithDefaults()
	want := spool.Config{Path: "data/cdrelay.db", Retention: 168 * time.Hour, DeadLetterRetention: 720 * time.Hour, MaxBytes: 4 << 30}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	set := spool.Config{Path: "p", Retention: time.Hour, DeadLetterRetention: 2 * time.Hour, MaxBytes: 1 << 30}
	if diff := cmp.Diff(set, set.WithDefaults()); diff != "" {
		t.Errorf("defaults overwrite what was set (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		cfg  spool.Config
		want string
	}{
		{spool.Config{}, "[]"},
		{set, "[]"},
		{spool.Config{Retention: time.Second}, "[retention]"},
		{spool.Config{Retention: -time.Hour, DeadLetterRetention: -1, MaxBytes: 5}, "[retention dead_letter_retention max_bytes]"},
	} {
		paths := []string{}
		c.cfg.Validate(func(path, _ string) { paths = append(paths, path) })
		if got := fmt.Sprint(paths); got != c.want {
			t.Errorf("%+v: problems at %s, want %s", c.cfg, got, c.want)
		}
	}
}
