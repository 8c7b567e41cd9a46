package house

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// helmDocsEnv names the command, with its arguments, that runs helm-docs.
const helmDocsEnv = "CDRELAY_HELM_DOCS"

// chartCopies are the files that the chart has a copy of: Helm reads none from
// outside a chart.
var chartCopies = map[string]string{
	"docs/monitoring/alerts.yaml":  "charts/cdrelay/files/alerts.yaml",
	"docs/monitoring/grafana.json": "charts/cdrelay/files/grafana.json",
}

func TestChartCopies(t *testing.T) {
	for from, to := range chartCopies {
		if read(t, from) != read(t, to) {
			t.Errorf("%s is no longer the same as %s: run make chart-readme", to, from)
		}
	}
}

// TestChartReadme lets helm-docs make the README from values.yaml.
func TestChartReadme(t *testing.T) {
	command := strings.Fields(os.Getenv(helmDocsEnv))
	if len(command) == 0 {
		t.Skipf("%s names no helm-docs: make chart does", helmDocsEnv)
	}
	cmd := exec.CommandContext(t.Context(), command[0], append(command[1:], "--dry-run", "--log-level", "warning")...)
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if string(out) != read(t, "charts/cdrelay/README.md") {
		t.Error("charts/cdrelay/README.md is not what values.yaml gives: run make chart-readme")
	}
}

// chartKnowsKeys wants the chart's schema to have just the keys that the
// configuration has.
func chartKnowsKeys(t *testing.T, binary string) {
	t.Helper()
	type schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	keys := func(text string) []string {
		t.Helper()
		var s schema
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		return slices.Sorted(maps.Keys(s.Properties))
	}
	out, err := exec.CommandContext(t.Context(), binary, "schema", "config").Output()
	if err != nil {
		t.Fatal(err)
	}
	var values schema
	if err := json.Unmarshal([]byte(read(t, "charts/cdrelay/values.schema.json")), &values); err != nil {
		t.Fatal(err)
	}
	want, have := keys(string(out)), keys(string(values.Properties["config"]))
	if len(want) == 0 || !slices.Equal(want, have) {
		t.Errorf("the configuration has the keys %v, the chart's schema %v", want, have)
	}
}

// TestChartLibrary renders the example that has the chart as a dependency, and
// holds its pod to the same rules.
func TestChartLibrary(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "charts")
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(root(t), "charts"))); err != nil {
		t.Fatal(err)
	}
	example := filepath.Join(dir, "examples", "library")
	for _, args := range [][]string{
		{"dependency", "update", "--skip-refresh", example},
		{"lint", "--strict", "--kube-version", kubeVersion, example},
	} {
		if out, err := helm(t, args...); err != nil {
			t.Fatalf("helm %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	out, err := helm(t, "template", "bridge", example, "--kube-version", kubeVersion)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	all := decodeManifests(t, out)
	set := one(t, all, "StatefulSet") // not the dependency's own as well
	report(t, checkPod(set.Spec.Template.Spec))
	labels := set.Spec.Template.Metadata.Labels
	for _, m := range all {
		if m.Kind == "Service" && m.Spec.Selector["cdrelay"] != labels["cdrelay"] && m.Spec.Selector["app.kubernetes.io/name"] != labels["app.kubernetes.io/name"] {
			t.Errorf("the selector %v does not find the pod %v", m.Spec.Selector, labels)
		}
	}
	if set.Spec.Template.Spec.Grace != 60 {
		t.Errorf("the pod has %d s to stop, want the bridge's 20, cdrelay's 30 and 10", set.Spec.Template.Spec.Grace)
	}
	configuration(t, all)
}

// mount makes a file up for one that a configuration names, and gives its path.
func mount(t *testing.T, dir, path string) string {
	t.Helper()
	var content string
	switch name := filepath.Base(path); {
	case filepath.Ext(name) == ".crt":
		content, _ = keyPair(t)
	case filepath.Ext(name) == ".key":
		_, content = keyPair(t)
	case name == "url":
		content = secretFor("A_URL")
	default:
		content = secretFor(name)
	}
	file := filepath.Join(dir, filepath.FromSlash(path))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// keyPair is a certificate and its key in PEM, always the same ones.
func keyPair(t *testing.T) (certificate, key string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	pair := s.TLS.Certificates[0]
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, bytes []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes}))
	}
	return block("CERTIFICATE", pair.Certificate[0]), block("PRIVATE KEY", der)
}
