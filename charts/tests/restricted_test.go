package tests

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// imageUser owns what is writable in the image.
const imageUser = 65532

func TestRestricted(t *testing.T) {
	for _, r := range each(t) {
		for _, p := range pods(r.objects) {
			t.Run(r.name+"/"+p.of.GetName(), func(t *testing.T) { report(t, checkRestricted(t, p)) })
		}
	}
}

func TestRestrictedNotices(t *testing.T) {
	objects, err := decodeAll(`
apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  hostNetwork: true
  containers: [{name: cdrelay, image: ghcr.io/cdrelay/cdrelay:1}]
`)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, checkRestricted(t, pods(objects)[0]),
		"host namespaces", "allowPrivilegeEscalation", "capabilities", "runAsNonRoot", "seccompProfile",
		"token of the API server", "root file system", "no memory limit", "another user")
}

// checkRestricted holds a pod against the Pod Security Standard `restricted`, and
// our own containers against a bit more.
func checkRestricted(t *testing.T, p pod) []string {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var complaints []string
	complain := func(about, text string) {
		complaints = append(complaints, fmt.Sprintf("%v: %s: %s", p.of, about, text))
	}
	for _, result := range evaluator.EvaluatePod(api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}, &p.meta, &p.spec) {
		if !result.Allowed {
			complain(result.ForbiddenReason, result.ForbiddenDetail)
		}
	}
	if token := p.spec.AutomountServiceAccountToken; token == nil || *token {
		complain("pod", "gets a token of the API server")
	}
	for _, c := range p.containers() {
		if !ours(c) {
			continue
		}
		if c.SecurityContext == nil || c.SecurityContext.ReadOnlyRootFilesystem == nil || !*c.SecurityContext.ReadOnlyRootFilesystem {
			complain(c.Name, "its root file system is not read-only")
		}
		if c.Resources.Limits.Memory().IsZero() {
			complain(c.Name, "has no memory limit")
		}
		if c.SecurityContext == nil || c.SecurityContext.RunAsUser == nil || *c.SecurityContext.RunAsUser != imageUser {
			complain(c.Name, "it runs as another user than the owner of the image's folders")
		}
	}
	return complaints
}

// ours tells the containers of our image.
func ours(c corev1.Container) bool {
	name, _, _ := strings.Cut(c.Image, "@")
	if slash, colon := strings.LastIndex(name, "/"), strings.LastIndex(name, ":"); colon > slash {
		name = name[:colon]
	}
	return name == "cdrelay" || strings.HasSuffix(name, "/cdrelay")
}

// serves tells the container of the server from those that check or try.
func serves(c corev1.Container) bool {
	words := append(append([]string(nil), c.Command...), c.Args...)
	return len(words) == 0 || slices.Contains(words, "serve") // none: the image's own command
}
