package tests

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
)

// The release that all tests render.
const (
	releaseName = "relay"
	namespace   = "telephony" // not the default one, so that a forgotten namespace shows
	kubeVersion = "v1.34.0"
	// ownVersion stands for the versions of our charts and of the server, so that
	// a release does not change every golden file.
	ownVersion = "0.0.0-test"
)

var update = flag.Bool("update", false, "write the golden files and generated manifests")

// set is a chart with values for it.
type set struct {
	name  string
	chart string // its folder, from the top of the repository
	file  string // the values; none: those of the chart
	// version stands for all versions of ours; none: they are kept.
	version string
}

// rendering is what a set became.
type rendering struct {
	set
	values  map[string]any // the file's; the chart's own are not among them
	release string         // the manifest of the release
	text    string         // as `helm template` prints it: the release and its hooks
	notes   string
	objects []object
}

// rendered renders every set once; tests only read it.
var rendered = sync.OnceValues(func() ([]rendering, error) {
	sets, err := findSets()
	if err != nil {
		return nil, err
	}
	var all []rendering
	for _, s := range sets {
		r, err := renderSet(s)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		all = append(all, r)
	}
	return all, nil
})

func TestLint(t *testing.T) {
	sets, err := findSets()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sets {
		if s.chart != "charts/cdrelay" {
			continue // TestLintExamples puts their dependency in place
		}
		t.Run(s.name, func(t *testing.T) {
			values, err := readValues(s.file)
			if err != nil {
				t.Fatal(err)
			}
			lint(t, fromTop(s.chart), values)
		})
	}
}

// lint does what `helm lint --strict` does.
func lint(t *testing.T, dir string, values map[string]any) {
	t.Helper()
	version, err := chartutil.ParseKubeVersion(kubeVersion)
	if err != nil {
		t.Fatal(err)
	}
	linter := action.NewLint()
	linter.Strict, linter.Namespace, linter.KubeVersion = true, namespace, version
	result := linter.Run([]string{dir}, values)
	if len(result.Errors) > 0 || result.TotalChartsLinted != 1 {
		t.Errorf("%d charts linted, %v", result.TotalChartsLinted, result.Messages)
	}
}

// TestGolden shows what a change of the chart does to what users deploy.
func TestGolden(t *testing.T) {
	known := map[string]bool{}
	// It is long, and TestCopies holds it already.
	dashboard := strings.TrimSuffix("    "+strings.ReplaceAll(read(t, "docs/monitoring/grafana.json"), "\n", "\n    "), "    ")
	for _, r := range each(t) {
		if r.set == manifestSet {
			continue // TestManifest compares it
		}
		text := strings.Replace(r.text, strings.TrimSpace(dashboard), "… docs/monitoring/grafana.json …", 1)
		for ending, text := range map[string]string{".yaml": text, ".notes.txt": r.notes} {
			file := filepath.Join("testdata", "golden", r.name+ending)
			known[file] = true
			golden(t, file, text)
		}
	}
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !known[f] {
			t.Errorf("%s belongs to no set of values", f)
		}
	}
}

// golden compares a text with its file; -update writes it.
func golden(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Errorf("%v; -update writes it", err)
		return
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text, "\n")); diff != "" {
		t.Errorf("%s is not what the chart renders; read the change, then -update writes it:\n%s", file, diff)
	}
}

// each gives all renderings.
func each(t *testing.T) []rendering {
	t.Helper()
	all, err := rendered()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// findSets gives the sets of values of the chart, and the example charts with
// the values that they bring.
func findSets() ([]set, error) {
	var sets []set
	files, err := filepath.Glob(fromTop("charts/cdrelay/ci/*-values.yaml"))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		sets = append(sets, set{strings.TrimSuffix(filepath.Base(f), "-values.yaml"), "charts/cdrelay", f, ownVersion})
	}
	if len(sets) < 12 {
		return nil, fmt.Errorf("%d sets of values in charts/cdrelay/ci", len(sets))
	}
	examples, err := filepath.Glob(fromTop("charts/examples/*/Chart.yaml"))
	if err != nil {
		return nil, err
	}
	for _, e := range examples {
		name := filepath.Base(filepath.Dir(e))
		sets = append(sets, set{"example-" + name, "charts/examples/" + name, "", ownVersion})
	}
	return append(sets, manifestSet), nil
}

func renderSet(s set) (rendering, error) {
	values, err := readValues(s.file)
	if err != nil {
		return rendering{}, err
	}
	return renderAs(s, values, releaseName, namespace)
}

// renderAs does what `helm template` does.
func renderAs(s set, values map[string]any, name, into string) (rendering, error) {
	loaded, err := load(s)
	if err != nil {
		return rendering{}, err
	}
	version, err := chartutil.ParseKubeVersion(kubeVersion)
	if err != nil {
		return rendering{}, err
	}
	install := action.NewInstall(&action.Configuration{Log: func(string, ...any) {}})
	install.DryRun, install.ClientOnly, install.IncludeCRDs = true, true, true
	install.ReleaseName, install.Namespace, install.KubeVersion = name, into, version
	done, err := install.Run(loaded, values)
	if err != nil {
		return rendering{}, err
	}
	r := rendering{set: s, values: values, release: done.Manifest, text: done.Manifest, notes: done.Info.Notes}
	if r.objects, err = decodeAll(done.Manifest); err != nil {
		return rendering{}, err
	}
	for _, hook := range done.Hooks {
		r.text += fmt.Sprintf("---\n# Source: %s\n%s\n", hook.Path, hook.Manifest)
		objects, err := decodeAll(hook.Manifest)
		if err != nil {
			return rendering{}, err
		}
		for i := range objects {
			objects[i].hook = true
		}
		r.objects = append(r.objects, objects...)
	}
	return r, nil
}

// load reads a chart afresh, because rendering changes it, and puts beside it
// what `helm dependency update` would fetch.
func load(s set) (*chart.Chart, error) {
	c, err := loader.LoadDir(fromTop(s.chart))
	if err != nil {
		return nil, err
	}
	stamp := func(c *chart.Chart) {
		if s.version != "" {
			c.Metadata.Version, c.Metadata.AppVersion = s.version, s.version
		}
	}
	for _, d := range c.Metadata.Dependencies {
		folder, ok := strings.CutPrefix(d.Repository, "file://")
		if !ok {
			return nil, fmt.Errorf("the dependency %s of %s is not in this repository", d.Name, s.chart)
		}
		sub, err := loader.LoadDir(filepath.Join(fromTop(s.chart), folder))
		if err != nil {
			return nil, err
		}
		if !chartutil.IsCompatibleRange(d.Version, sub.Metadata.Version) {
			return nil, fmt.Errorf("%s asks for %s %s, and there is %s", s.chart, d.Name, d.Version, sub.Metadata.Version)
		}
		stamp(sub)
		c.SetDependencies(sub) // instead of a copy that somebody has fetched
		d.Version = sub.Metadata.Version
	}
	stamp(c)
	return c, nil
}

// readValues reads a file of values; without one there are none.
func readValues(file string) (map[string]any, error) {
	if file == "" {
		return map[string]any{}, nil
	}
	values, err := chartutil.ReadValuesFile(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return values, nil
}

// fromTop gives the path of a file of the repository.
func fromTop(name string) string {
	return filepath.Join("..", "..", filepath.FromSlash(name))
}

// report fails the test with each complaint.
func report(t *testing.T, complaints []string) {
	t.Helper()
	for _, c := range complaints {
		t.Error(c)
	}
}

// expect fails the test unless there is one complaint for each text, in order,
// that contains it.
func expect(t *testing.T, complaints []string, texts ...string) {
	t.Helper()
	if len(complaints) != len(texts) {
		t.Fatalf("%d complaints, want %d: %q", len(complaints), len(texts), complaints)
	}
	for i, text := range texts {
		if !strings.Contains(complaints[i], text) {
			t.Errorf("complaint %q says nothing of %q", complaints[i], text)
		}
	}
}
