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

// manifest is the part of a Kubernetes object that the tests look at.
type manifest struct {
	Kind string            `yaml:"kind"`
	Data map[string]string `yaml:"data"`
	Spec struct {
		Template struct {
			Spec podSpec `yaml:"spec"`
		} `yaml:"template"`
		Claims []any `yaml:"volumeClaimTemplates"`
	} `yaml:"spec"`
}

type podSpec struct {
	Token      *bool           `yaml:"automountServiceAccountToken"`
	Grace      int             `yaml:"terminationGracePeriodSeconds"`
	Security   securityContext `yaml:"securityContext"`
	Containers []struct {
		Security  securityContext `yaml:"securityContext"`
		Resources struct {
			Limits map[string]string `yaml:"limits"`
		} `yaml:"resources"`
	} `yaml:"containers"`
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

func TestChartPod(t *testing.T) {
	for name, values := range valuesSets(t) {
		t.Run(name, func(t *testing.T) {
			set := one(t, render(t, values), "StatefulSet")
			pod := set.Spec.Template.Spec
			report(t, checkPod(pod))
			if volumes := len(set.Spec.Claims); (volumes == 0) != (name == "no-persistence") {
				t.Errorf("%d volumes", volumes)
			}
			if want := map[string]int{"default": 40, "no-persistence": 20, "full": 90, "digest-auth": 40}[name]; pod.Grace != want {
				t.Errorf("the pod has %d s to stop, want %d", pod.Grace, want)
			}
		})
	}
}

// TestChartConfigurations lets the server load each configuration that the
// chart renders.
func TestChartConfigurations(t *testing.T) {
	sets := valuesSets(t)
	binary := buildBinary(t)
	for name, values := range sets {
		t.Run(name, func(t *testing.T) {
			config := one(t, render(t, values), "ConfigMap").Data["config.yaml"]
			for _, m := range fromEnv.FindAllStringSubmatch(config, -1) {
				t.Setenv(m[1], secretFor(m[1]))
			}
			file := filepath.Join(t.TempDir(), "config.yaml")
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
		{"persistence.enabled=false", "iAcceptLoss"},
		{"nonsense=1", "nonsense"},
		{"config.sauces=1", "sauces"},
		{"terminationGracePeriodSeconds=30", "attempts in flight"},
		{"config.listen=:8081", "different ports"},
		{"config.spool.path=/var/x.db", "/config/spool/path"},
		{"config.admin.listen=127.0.0.1:8081", "/config/admin/listen"},
		{"resources.limits.memory=null", "memory"},
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
	if err := yaml.Unmarshal([]byte("containers: [{}]"), &pod); err != nil {
		t.Fatal(err)
	}
	expect(t, checkPod(pod), "token", "root", "seccomp", "privileges", "read-only", "capabilities", "memory")
}

// checkPod holds a pod against the restricted Pod Security Standard, and a bit
// more.
func checkPod(pod podSpec) []string {
	var complaints []string
	want := func(ok bool, complaint string) {
		if !ok {
			complaints = append(complaints, complaint)
		}
	}
	want(pod.Token != nil && !*pod.Token, "the pod gets a token of the API server")
	want(pod.Security.NonRoot && pod.Security.User == 65532, "the pod may run as root")
	want(pod.Security.Seccomp.Type == "RuntimeDefault", "the pod has no seccomp profile")
	for _, c := range pod.Containers {
		want(c.Security.Escalation != nil && !*c.Security.Escalation, "a container may gain privileges")
		want(c.Security.ReadOnly, "a container's root file system is not read-only")
		want(len(c.Security.Capabilities.Drop) == 1 && c.Security.Capabilities.Drop[0] == "ALL", "a container keeps capabilities")
		want(c.Resources.Limits["memory"] != "", "a container has no memory limit, so GOMEMLIMIT is the node's memory")
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
	if err != nil || len(paths) < 3 {
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

func render(t *testing.T, values string) []manifest {
	t.Helper()
	out, err := helm(t, "template", "relay", chartDir(t), "--kube-version", kubeVersion, "-f", values)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
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
