package tests

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// refusesLoopback are the sets whose first source lets no test in: its `allow`
// names the platform's addresses.
var refusesLoopback = []string{"ingress-tls", "nat-network-policy"}

// hook runs what `helm test` runs, in this machine's shell and curl, against the
// running server.
func (run *running) hook(t *testing.T, name string, c corev1.Container) {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("DID NOT RUN: there is no curl")
	}
	env := []string{"PATH=" + os.Getenv("PATH")}
	for _, e := range c.Env {
		switch {
		case e.Name == "URL":
			scheme, rest, _ := strings.Cut(e.Value, "://")
			_, path, _ := strings.Cut(rest, "/")
			e.Value = scheme + "://" + run.public + "/" + path
		case e.ValueFrom != nil:
			e.Value = secretFor(e.ValueFrom.SecretKeyRef.Key) + "\n" // a Secret made with kubectl from a file
		}
		env = append(env, e.Name+"="+e.Value)
	}
	words := append(append([]string(nil), c.Command...), c.Args...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Env = env
	out, err := cmd.CombinedOutput()
	want := "200"
	for _, refused := range refusesLoopback {
		if name == refused {
			want = "403"
		}
	}
	if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), want) {
		t.Errorf("the test's pod: %v, want %s:\n%s", err, want, out)
	}
}
