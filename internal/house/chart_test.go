package house

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// helmEnv names the command, with its arguments, that runs helm.
const helmEnv = "CDRELAY_HELM"

// kubeVersion is the cluster that the chart is rendered for.
const kubeVersion = "1.34.0"

// fromEnv finds the variables that a rendered configuration reads.
var fromEnv = regexp.MustCompile(`(?m)^\s*(?:- )?env: (\w+)$`)

// mounted finds the files of volumes that a rendered configuration names.
var mounted = regexp.MustCompile(`/(?:secrets|private-ca)/[\w./-]+`)

// manifest is the part of a Kubernetes object that the tests look at.
type manifest struct {
	Kind string            `yaml:"kind"`
	Data map[string]string `yaml:"data"`
	Spec struct {
		Template struct {
			Metadata struct {
				Labels      map[string]string `yaml:"labels"`
				Annotations map[string]string `yaml:"annotations"`
			} `yaml:"metadata"`
			Spec podSpec `yaml:"spec"`
		} `yaml:"template"`
		Claims   []any          `yaml:"volumeClaimTemplates"`
		Selector map[string]any `yaml:"selector"`
		// Containers are those of a Pod.
		Containers []container `yaml:"containers"`
	} `yaml:"spec"`
}

type podSpec struct {
	Token      *bool           `yaml:"automountServiceAccountToken"`
	Grace      int             `yaml:"terminationGracePeriodSeconds"`
	Security   securityContext `yaml:"securityContext"`
	Init       []container     `yaml:"initContainers"`
	Containers []container     `yaml:"containers"`
}

type container struct {
	Name      string          `yaml:"name"`
	Restart   string          `yaml:"restartPolicy"`
	Command   []string        `yaml:"command"`
	Args      []string        `yaml:"args"`
	Readiness map[string]any  `yaml:"readinessProbe"`
	Liveness  map[string]any  `yaml:"livenessProbe"`
	Startup   map[string]any  `yaml:"startupProbe"`
	Security  securityContext `yaml:"securityContext"`
	Resources struct {
		Limits map[string]string `yaml:"limits"`
	} `yaml:"resources"`
	Env []struct {
		Name, Value string
	} `yaml:"env"`
}

type securityContext struct {
	NonRoot    bool  `yaml:"runAsNonRoot"`
	User       int   `yaml:"runAsUser"`
	Escalation *bool `yaml:"allowPrivilegeEscalation"`
	ReadOnly   bool  `yaml:"readOnlyRootFilesystem"`
	Seccomp    struct {
		Type string `yaml:"type"`
	} `yaml:"seccompProfile"`
	Capabilities struct {
		Drop []string `yaml:"drop"`
	} `yaml:"capabilities"`
}

func TestChartLints(t *testing.T) {
	for name, values := range valuesSets(t) {
		t.Run(name, func(t *testing.T) {
			out, err := helm(t, "lint", "--strict", "--kube-version", kubeVersion, chartDir(t), "-f", values)
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// TestChartPod: each set says what its pods need to stop: what the application
// needs, then shutdown.delay, shutdown.grace and ten seconds.
func TestChartPod(t *testing.T) {
	grace := map[string]int{"no-persistence": 20, "full": 90, "sidecar": 85}
	claims := map[string]int{"no-persistence": 0, "existing-claim": 0}
	for name, values := range valuesSets(t) {
		t.Run(name, func(t *testing.T) {
			set := one(t, render(t, values), "StatefulSet")
			pod := set.Spec.Template.Spec
			report(t, checkPod(pod))
			if want, special := claims[name]; len(set.Spec.Claims) != want && special || len(set.Spec.Claims) != 1 && !special {
				t.Errorf("%d claims", len(set.Spec.Claims))
			}
			want, special := grace[name]
			if !special {
				want = 40
			}
			if pod.Grace != want {
				t.Errorf("the pod has %d s to stop, want %d", pod.Grace, want)
			}
		})
	}
}

// TestChartRestarts: a reload takes over all but a few keys; just those are in the
// annotation that restarts the pods.
func TestChartRestarts(t *testing.T) {
	values := valuesSets(t)["secret-files"]
	mark := func(set ...string) string {
		t.Helper()
		return one(t, render(t, values, set...), "StatefulSet").Spec.Template.Metadata.Annotations["checksum/restart-keys"]
	}
	before := mark()
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
		if now := mark("--set", change); (now != before) != restarts {
			t.Errorf("%s: the pods restart: %v, want %v", change, now != before, restarts)
		}
	}
}

// TestChartConfigurations lets the server load each configuration that the
// chart renders.
func TestChartConfigurations(t *testing.T) {
	sets := valuesSets(t)
	binary := buildBinary(t)
	chartKnowsKeys(t, binary)
	for name, values := range sets {
		t.Run(name, func(t *testing.T) {
			config := configuration(t, render(t, values))
			for _, m := range fromEnv.FindAllStringSubmatch(config, -1) {
				t.Setenv(m[1], secretFor(m[1]))
			}
			dir := t.TempDir()
			config = mounted.ReplaceAllStringFunc(config, func(path string) string { return mount(t, dir, path) })
			file := filepath.Join(dir, "config.yaml")
			if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.CommandContext(t.Context(), binary, "check", "-c", file).CombinedOutput(); err != nil {
				t.Errorf("cdrelay check: %v\n%s\n%s", err, out, config)
			}
		})
	}
}

func TestChartRefuses(t *testing.T) {
	for _, c := range []struct{ set, says string }{
		{"persistence.enabled=false", "iAcceptLoss: true"},
		{"nonsense=1", "nonsense"},
		{"config.sauces=1", "sauces"},
		{"terminationGracePeriodSeconds=30", "attempts in flight"},
		{"config.listen=:8081", "different ports"},
		{"config.spool.path=/var/x.db", "/config/spool/path"},
		{"config.spool.path=/data/../x.db", "below /data"},
		{"config.admin.listen=127.0.0.1:8081", "/config/admin/listen"},
		{"config.spool.max_bytes=8GiB", "80 % of persistence.size"},
		{"config.spool.max_bytes=many", "write a size"},
		{"resources.limits.memory=null", "memory"},
		{"replicas=2,persistence.existingClaim=x", "a spool of its own"},
		{"app.enabled=true,app.container.image=x,replicas=2,persistence.existingClaim=x", "a spool of its own"},
		{"persistence.enabled=false,persistence.iAcceptLoss=true,persistence.existingClaim=x", "no effect"},
		{"persistence.accessModes={ReadWriteMany}", "ReadWriteOncePod"},
		{"app.enabled=true", "app.container.image"},
		{"app.container.image=x", "app.enabled"},
		{"app.enabled=true,app.container.image=x,library=true", "exclude each other"},
		{"app.enabled=true,app.container.image=x,app.container.name=cdrelay", "choose another"},
		{"app.enabled=true,app.container.image=x,app.container.ports[0].containerPort=8080", "share their ports"},
		{"app.service.enabled=true", "app.service.ports"},
		{"adminToken.secret=x,config.admin.token=y", "keep one"},
		{"service.nodePort=30000", "NodePort or LoadBalancer"},
		{"service.loadBalancerClass=x", "LoadBalancer"},
		{"ingress.enabled=true", "ingress.hosts"},
		{"httpRoute.enabled=true", "httpRoute.parentRefs"},
		{"ingress.enabled=true,ingress.hosts={a},config.sources=null", "ingress.paths"},
		{"podDisruptionBudget.enabled=true,podDisruptionBudget.minAvailable=1", "no node could be drained"},
		{"podDisruptionBudget.maxUnavailable=0", "maxUnavailable"},
		{"serviceMonitor.enabled=true,podMonitor.enabled=true", "twice"},
		{"test.source=nobody", "test.source"},
	} {
		t.Run(c.set, func(t *testing.T) {
			out, err := helm(t, "template", "relay", chartDir(t), "--kube-version", kubeVersion, "--set", c.set)
			if err == nil || !strings.Contains(out, c.says) {
				t.Errorf("error %v, and its text says nothing of %q:\n%s", err, c.says, out)
			}
		})
	}
}

func TestCheckPodNotices(t *testing.T) {
	var pod podSpec
	if err := yaml.Unmarshal([]byte("containers: [{name: cdrelay}]"), &pod); err != nil {
		t.Fatal(err)
	}
	expect(t, checkPod(pod), "token", "seccomp", "check-config", "privileges", "capabilities", "root", "read-only", "memory", "probe", "readiness")
	if err := yaml.Unmarshal([]byte("initContainers: [{name: cdrelay, readinessProbe: {a: b}}, {name: check-config}]\ncontainers: [{name: app}]"), &pod); err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(checkPod(pod), "\n"); !strings.Contains(text, "native sidecar") || !strings.Contains(text, "whole pod") || !strings.Contains(text, "check-config is not the first") {
		t.Errorf("not noticed:\n%s", text)
	}
}

// checkPod holds a pod against what the chart promises: the order of its
// containers, their probes, and a bit more than the restricted Pod Security
// Standard.
func checkPod(pod podSpec) []string {
	var complaints []string
	want := func(ok bool, complaint string) {
		if !ok {
			complaints = append(complaints, complaint)
		}
	}
	want(pod.Token != nil && !*pod.Token, "the pod gets a token of the API server")
	want(pod.Security.Seccomp.Type == "RuntimeDefault", "the pod has no seccomp profile")
	want(len(pod.Init) > 0 && pod.Init[0].Name == "check-config", "check-config is not the first container")
	for _, c := range slices.Concat(pod.Init, pod.Containers) {
		want(c.Security.Escalation != nil && !*c.Security.Escalation, c.Name+" may gain privileges")
		want(len(c.Security.Capabilities.Drop) == 1 && c.Security.Capabilities.Drop[0] == "ALL", c.Name+" keeps capabilities")
		if c.Name != "cdrelay" && c.Name != "check-config" {
			continue
		}
		want(c.Security.NonRoot && c.Security.User == 65532, c.Name+" may run as root")
		want(c.Security.ReadOnly, c.Name+": its root file system is not read-only")
		want(c.Resources.Limits["memory"] != "", c.Name+" has no memory limit for its garbage collector to fit")
	}
	for _, c := range pod.Init {
		if c.Name == "cdrelay" {
			want(c.Restart == "Always", "cdrelay is no native sidecar")
			want(c.Readiness == nil, "cdrelay's readiness counts for the whole pod")
			want(c.Startup != nil && c.Liveness != nil, "cdrelay lacks a probe")
		}
	}
	for _, c := range pod.Containers {
		if c.Name == "cdrelay" {
			want(c.Startup != nil && c.Liveness != nil, "cdrelay lacks a probe")
			want(c.Readiness != nil, "cdrelay has no readiness")
		}
	}
	return complaints
}

// valuesSets gives the sets of values in the chart's ci folder by name. It skips
// the test where there is no helm.
func valuesSets(t *testing.T) map[string]string {
	t.Helper()
	if os.Getenv(helmEnv) == "" {
		t.Skip(helmEnv + " names no helm; `make chart` does")
	}
	paths, err := filepath.Glob(filepath.Join(chartDir(t), "ci", "*-values.yaml"))
	if err != nil || len(paths) < 12 {
		t.Fatalf("%d sets of values, %v", len(paths), err)
	}
	sets := map[string]string{}
	for _, p := range paths {
		sets[strings.TrimSuffix(filepath.Base(p), "-values.yaml")] = p
	}
	return sets
}

func chartDir(t *testing.T) string {
	t.Helper()
	return filepath.Join(root(t), "charts", "cdrelay")
}

// helm runs helm and gives all that it prints.
func helm(t *testing.T, args ...string) (string, error) {
	t.Helper()
	command := strings.Fields(os.Getenv(helmEnv))
	if len(command) == 0 {
		t.Skip(helmEnv + " names no helm; `make chart` does")
	}
	cmd := exec.CommandContext(t.Context(), command[0], append(command[1:], args...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// render renders the chart with a set of values and further flags.
func render(t *testing.T, values string, flags ...string) []manifest {
	t.Helper()
	args := []string{"template", "relay", chartDir(t), "--kube-version", kubeVersion, "-f", values}
	out, err := helm(t, append(args, flags...)...)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return decodeManifests(t, out)
}

func decodeManifests(t *testing.T, out string) []manifest {
	t.Helper()
	var all []manifest
	for d := yaml.NewDecoder(bytes.NewBufferString(out)); ; {
		var m manifest
		err := d.Decode(&m)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
}

// configuration gives cdrelay's own out of the ConfigMaps.
func configuration(t *testing.T, all []manifest) string {
	t.Helper()
	for _, m := range all {
		if text := m.Data["config.yaml"]; m.Kind == "ConfigMap" && text != "" {
			return text
		}
	}
	t.Fatal("there is no config.yaml")
	return ""
}

// one gives the only object of a kind.
func one(t *testing.T, all []manifest, kind string) manifest {
	t.Helper()
	var found []manifest
	for _, m := range all {
		if m.Kind == kind {
			found = append(found, m)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d objects of kind %s, want one", len(found), kind)
	}
	return found[0]
}

func buildBinary(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "cdrelay")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", binary, "./cmd/cdrelay")
	cmd.Dir = root(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// secretFor makes up what a variable of that name would hold.
func secretFor(name string) string {
	switch {
	case strings.HasSuffix(name, "_URL"):
		return "https://hooks.example.com/services/T000/B000/made-up"
	case strings.Contains(name, "SIGNING"):
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte("made up for the chart's tests, 32"))
	default:
		return "made-up-for-tests"
	}
}
