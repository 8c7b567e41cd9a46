package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// TestBuildStage: .ci/ship makes by itself what the build stage makes with docker,
// so the two must agree on its names.
func TestBuildStage(t *testing.T) {
	tree, err := parser.Parse(bytes.NewReader(read(t, filepath.Join("..", "..", "Dockerfile"))))
	if err != nil {
		t.Fatal(err)
	}
	stages, _, err := instructions.Parse(tree.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	var runs []string
	for _, c := range stages[0].Commands {
		if r, ok := c.(*instructions.RunCommand); ok {
			runs = append(runs, strings.Join(r.CmdLine, " "))
		}
	}
	all := strings.Join(runs, "\n")
	for _, want := range []string{"make build VERSION=${VERSION} OUT=" + builtBinary, "install -d -m 0700 " + builtFolder} {
		if !strings.Contains(all, want) {
			t.Errorf("the build stage does not run %q:\n%s", want, all)
		}
	}
}

func TestRecipeRefuses(t *testing.T) {
	for _, c := range []struct{ text, says string }{
		{"FROM debian\n", "starts from debian"},
		{"FROM scratch\nRUN true\n", "Dockerfile:2: RUN is not known"},
		{"FROM scratch\n\nHEALTHCHECK CMD x\n", "Dockerfile:3: HEALTHCHECK is not known"},
		{"FROM scratch\nENTRYPOINT /cdrelay serve\n", "needs a shell"},
		{"FROM scratch\nCMD serve\n", "needs a shell"},
		{"FROM scratch\nCOPY a /a\n", "COPY --from=build"},
		{"FROM scratch\nCOPY --from=build --chown=nobody:nogroup /a /a\n", "as numbers"},
		{"FROM scratch\nCOPY --from=build --chmod=0777 /a /a\n", "COPY --from=build"},
		{"FROM scratch\nLABEL a=${UNHEARD}\n", "no ARG"},
		{"", "no"},
	} {
		file := filepath.Join(t.TempDir(), "Dockerfile")
		write(t, file, []byte(c.text))
		if _, err := readRecipe(file, nil); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%q: error %v says nothing of %q", c.text, err, c.says)
		}
	}
}

func TestRecipeArguments(t *testing.T) {
	file := filepath.Join(t.TempDir(), "Dockerfile")
	write(t, file, []byte("FROM scratch\nARG A=one\nARG B=two\nENV C=${B}\nLABEL a=\"$A\" c=${C}\n"))
	r, err := readRecipe(file, map[string]string{"A": "given", "Z": "unused"})
	if err != nil {
		t.Fatal(err)
	}
	if r.config.Labels["a"] != "given" || r.config.Labels["c"] != "two" {
		t.Errorf("labels %v", r.config.Labels)
	}
}

// TestUnknownFile: what the build stage is not known to make cannot be copied.
func TestUnknownFile(t *testing.T) {
	if _, err := layerFor(copied{from: "/etc/passwd", to: "etc/passwd"}, source{}, ""); err == nil || !strings.Contains(err.Error(), "/etc/passwd") {
		t.Errorf("error %v", err)
	}
}
