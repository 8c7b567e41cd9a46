package config_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/cdrelay/cdrelay/internal/config"
)

const brokenFile = "testdata/broken.txtar"

// TestBroken holds the messages of configurations that are wrong in the ways
// people get them wrong: each names the line and says what to write. The archive
// has pairs: name.yaml, a configuration or its end behind a sound beginning, and
// name.txt, every problem and warning of it. A problem says what is wrong, and behind
// a colon what to write.
func TestBroken(t *testing.T) {
	t.Setenv("BROKEN_QUOTED", `"token"`)
	archive, err := txtar.ParseFile(brokenFile)
	if err != nil {
		t.Fatal(err)
	}
	files, cases := archive.Files, 0
	for i := 0; i+1 < len(files); i += 2 {
		in, want := files[i], &files[i+1]
		name := strings.TrimSuffix(in.Name, ".yaml")
		if want.Name != name+".txt" {
			t.Fatalf("%s is followed by %s", in.Name, want.Name)
		}
		cases++
		t.Run(name, func(t *testing.T) {
			got := messages(in.Data)
			for _, problem := range problemsOf(in.Data) {
				if wrong, remedy, _ := strings.Cut(problem.Text, ": "); wrong == "" || remedy == "" {
					t.Errorf("names no remedy: %s", problem.Text)
				}
			}
			if *update {
				want.Data = []byte(got)
				return
			}
			if diff := cmp.Diff(string(want.Data), got); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
	if cases < 50 {
		t.Errorf("%d cases", cases)
	}
	if *update {
		if err := os.WriteFile(brokenFile, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func problemsOf(text []byte) []config.Problem {
	_, err := config.Parse("c.yaml", text)
	if all, wrong := errors.AsType[*config.Problems](err); wrong {
		return all.List
	}
	return nil
}

func messages(text []byte) string {
	l, err := config.Parse("c.yaml", text)
	if err != nil {
		return err.Error() + "\n"
	}
	var all strings.Builder
	for _, w := range l.Warnings {
		all.WriteString("warning: " + w.In("c.yaml") + "\n")
	}
	return all.String()
}
