package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/strvals"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// helmDocsEnv names the command, with its arguments, that runs helm-docs.
const helmDocsEnv = "CDRELAY_HELM_DOCS"

// copies are the files that the chart has a copy of: Helm reads none from outside
// a chart.
var copies = map[string]string{
	"docs/monitoring/alerts.yaml":  "charts/cdrelay/files/alerts.yaml",
	"docs/monitoring/grafana.json": "charts/cdrelay/files/grafana.json",
}

func TestCopies(t *testing.T) {
	for from, to := range copies {
		if read(t, from) != read(t, to) {
			t.Errorf("%s is no longer the same as %s: run make chart-readme", to, from)
		}
	}
}

// TestReadme lets helm-docs make the README from values.yaml.
func TestReadme(t *testing.T) {
	command := strings.Fields(os.Getenv(helmDocsEnv))
	if len(command) == 0 {
		t.Skipf("DID NOT RUN: %s names no helm-docs: make chart does", helmDocsEnv)
	}
	cmd := exec.CommandContext(t.Context(), command[0], append(command[1:], "--dry-run", "--log-level", "warning")...)
	cmd.Dir = fromTop(".")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if string(out) != read(t, "charts/cdrelay/README.md") {
		t.Error("charts/cdrelay/README.md is not what values.yaml gives: run make chart-readme")
	}
}

// TestHelmVersion: what renders here is what packages a release.
func TestHelmVersion(t *testing.T) {
	pin := regexp.MustCompile(`helm\.sh/helm/v3(?:/cmd/helm@| )(v[\d.]+)`)
	used, shipped := pin.FindStringSubmatch(read(t, "charts/tests/go.mod")), pin.FindStringSubmatch(read(t, "Makefile"))
	if used == nil || shipped == nil || used[1] != shipped[1] {
		t.Errorf("the charts are tested with Helm %v and packaged with %v", used, shipped)
	}
}

// TestTimes: each set says what its pods need to stop: what the application needs,
// then shutdown.delay, shutdown.grace and ten seconds. And what claims they make.
func TestTimes(t *testing.T) {
	grace := map[string]int64{"no-persistence": 20, "full": 90, "sidecar": 85, "example-library": 60}
	claims := map[string]int{"no-persistence": 0, "existing-claim": 0}
	for _, r := range each(t) {
		for _, p := range serving(t, r) {
			want, special := claims[r.name]
			if !special {
				want = 1
			}
			if len(p.claims) != want {
				t.Errorf("%s: %d claims, want %d", r.name, len(p.claims), want)
			}
			seconds, special := grace[r.name]
			if !special {
				seconds = 40
			}
			if got := *p.spec.TerminationGracePeriodSeconds; got != seconds {
				t.Errorf("%s: the pod has %d s to stop, want %d", r.name, got, seconds)
			}
		}
	}
}

// TestRestarts: a reload takes over all but a few keys; just those are in the
// annotation that restarts the pods.
func TestRestarts(t *testing.T) {
	mark := func(change string) string {
		t.Helper()
		s := set{"restarts", "charts/cdrelay", fromTop("charts/cdrelay/ci/secret-files-values.yaml"), ownVersion}
		values, err := readValues(s.file)
		if err != nil {
			t.Fatal(err)
		}
		if err := strvals.ParseInto(change, values); err != nil {
			t.Fatal(err)
		}
		r, err := renderAs(s, values, releaseName, namespace)
		if err != nil {
			t.Fatal(err)
		}
		return serving(t, r)[0].meta.Annotations["checksum/restart-keys"]
	}
	before := mark("")
	if before == "" {
		t.Fatal("no annotation")
	}
	for change, restarts := range map[string]bool{
		"config.listen=:9080":                    true,
		"config.admin.listen=:9081":              true,
		"config.spool.path=/data/other.db":       true,
		"config.tls.cert=/secrets/other/tls.crt": true,
		"config.log.format=text":                 true,
		"config.log.format=json":                 false, // the default
		"config.log.level=debug":                 false,
		"config.spool.max_bytes=1GiB":            false,
		"config.shutdown.delay=9s":               false,
		"config.sources[0].region=ID":            false,
	} {
		if now := mark(change); (now != before) != restarts {
			t.Errorf("%s: the pods restart: %v, want %v", change, now != before, restarts)
		}
	}
}

// TestOrder: the configuration is checked before anything starts, and the server
// is where it belongs.
func TestOrder(t *testing.T) {
	for _, r := range each(t) {
		for _, p := range serving(t, r) {
			t.Run(r.name, func(t *testing.T) { report(t, checkOrder(p.pod)) })
		}
		sets := slices.DeleteFunc(slices.Clone(r.objects), func(o object) bool { _, ok := o.typed.(*appsv1.StatefulSet); return !ok })
		if len(sets) != 1 {
			t.Errorf("%s: %d StatefulSets", r.name, len(sets))
		}
	}
}

func TestOrderNotices(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	server := corev1.Container{Name: "cdrelay", Image: "cdrelay", Args: []string{"serve"}}
	sidecar := server
	sidecar.ReadinessProbe = &corev1.Probe{}
	app := corev1.Container{Name: "app", Image: "app"}
	alone := pod{spec: corev1.PodSpec{Containers: []corev1.Container{server}}}
	expect(t, checkOrder(alone), "the first container", "has no readiness")
	beside := pod{spec: corev1.PodSpec{InitContainers: []corev1.Container{sidecar}, Containers: []corev1.Container{app}}}
	expect(t, checkOrder(beside), "the first container", "native sidecar", "whole pod")
	sidecar.RestartPolicy, sidecar.ReadinessProbe = &always, nil
	check := corev1.Container{Name: "check-config", Image: "cdrelay", Args: []string{"check"}}
	beside.spec.InitContainers = []corev1.Container{check, sidecar}
	expect(t, checkOrder(beside))
	beside.spec.Containers = []corev1.Container{app, server}
	expect(t, checkOrder(beside), "after the application")
}

// checkOrder looks at the order of a pod's containers and at what their readiness
// counts for.
func checkOrder(p pod) []string {
	var complaints []string
	complain := func(text string) { complaints = append(complaints, fmt.Sprintf("%v: %s", p.of, text)) }
	if first := p.containers()[0]; !ours(first) || serves(first) {
		complain("check-config is not the first container")
	}
	for _, c := range p.spec.InitContainers {
		if !ours(c) || !serves(c) {
			continue
		}
		if c.RestartPolicy == nil || *c.RestartPolicy != corev1.ContainerRestartPolicyAlways {
			complain("the server is no native sidecar")
		}
		if c.ReadinessProbe != nil {
			complain("the server's readiness counts for the whole pod")
		}
	}
	for _, c := range p.spec.Containers {
		switch {
		case !ours(c):
		case len(p.spec.Containers) > 1:
			complain("the server does not stop after the application")
		case c.ReadinessProbe == nil:
			complain("the server has no readiness")
		}
	}
	return complaints
}

// TestLintExamples lints each example with its dependency in place.
func TestLintExamples(t *testing.T) {
	for _, r := range each(t) {
		name, ok := strings.CutPrefix(r.name, "example-")
		if !ok {
			continue
		}
		dir := filepath.Join(t.TempDir(), filepath.Base(r.chart))
		copyTo(t, fromTop("charts/examples/"+name), dir)
		copyTo(t, fromTop("charts/cdrelay"), filepath.Join(dir, "charts", "cdrelay"))
		lint(t, dir, map[string]any{})
	}
}
