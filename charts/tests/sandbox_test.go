package tests

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
	corev1 "k8s.io/api/core/v1"
)

// sandbox stands for the node that a pod runs on: its volumes are temporary
// folders, its secrets are made up. Paths of the container become paths of the
// machine wherever a container or the configuration names one.
type sandbox struct {
	dir        string
	mounts     map[string]string // path in the container, folder
	secret     map[string]bool   // folders of the user's own: what is missing there is made up
	env        map[string][]string
	complaints []string
	config     *configuration
}

// configuration is the rendered file with the addresses that it names.
type configuration struct {
	path          string // on the machine
	public, admin string // ports
}

// newSandbox makes the volumes of a pod of the rendering.
func newSandbox(t *testing.T, r rendering, p pod) *sandbox {
	t.Helper()
	s := &sandbox{dir: t.TempDir(), mounts: map[string]string{}, secret: map[string]bool{}, env: map[string][]string{}}
	for _, c := range p.containers() {
		if ours(c) {
			for _, m := range c.VolumeMounts {
				s.mounts[m.MountPath] = filepath.Join(s.dir, m.Name, m.SubPath)
			}
		}
	}
	for _, v := range p.spec.Volumes {
		folder := filepath.Join(s.dir, v.Name)
		s.secret[folder] = v.Secret != nil || v.Projected != nil || v.CSI != nil
		if v.ConfigMap != nil {
			s.secret[folder] = !s.fill(t, r, v) // the user's own
		}
	}
	for _, folder := range s.mounts {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range p.containers() {
		if ours(c) && serves(c) {
			s.read(t, s.host(configOf(c)))
		}
	}
	for _, c := range p.containers() {
		if ours(c) {
			s.env[c.Name] = s.environment(c)
		}
	}
	return s
}

// fill puts the keys of a ConfigMap into the folder of its volume, if it is one of
// the rendered ones.
func (s *sandbox) fill(t *testing.T, r rendering, v corev1.Volume) bool {
	t.Helper()
	found := false
	for _, o := range r.objects {
		m, ok := o.typed.(*corev1.ConfigMap)
		if !ok || m.Name != v.ConfigMap.Name {
			continue
		}
		found = true
		names := map[string]string{}
		for key := range m.Data {
			names[key] = key
		}
		if len(v.ConfigMap.Items) > 0 {
			clear(names)
			for _, item := range v.ConfigMap.Items {
				names[item.Key] = item.Path
			}
		}
		for key, name := range names {
			write(t, filepath.Join(s.dir, v.Name, name), m.Data[key])
		}
	}
	return found
}

// read makes the rendered configuration fit the sandbox: other paths, free ports
// on loopback, a log that tells them. All else stays.
func (s *sandbox) read(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("the server's configuration is in no volume: %v", err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	var known struct {
		Listen string
		Admin  struct{ Listen string }
	}
	if err := document.Decode(&known); err != nil {
		t.Fatal(err)
	}
	s.config = &configuration{path, portIn(known.Listen), portIn(known.Admin.Listen)}
	s.files(t, document.Content[0])
	top := document.Content[0]
	child(top, "listen").SetString("127.0.0.1:0")
	child(child(top, "admin"), "listen").SetString("127.0.0.1:0")
	child(child(top, "log"), "level").SetString("info")
	child(child(top, "log"), "format").SetString("json")
	changed, err := yaml.Marshal(&document)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(changed))
}

// files turns the paths in a configuration into those of the sandbox, and makes
// up the Secrets among the files.
func (s *sandbox) files(t *testing.T, n *yaml.Node) {
	t.Helper()
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && c.Kind == yaml.ScalarNode {
			key := n.Content[i-1].Value
			inside := c.Value
			if filepath.IsAbs(inside) && s.host(inside) != inside {
				c.SetString(s.host(inside))
			}
			if filepath.IsAbs(inside) && (slices.Contains([]string{"file", "ca", "cert"}, key) || key == "key" && get(n, "cert") != nil) {
				s.file(t, inside, c.Value)
			}
		}
		s.files(t, c)
	}
}

// file wants a file that the configuration names to be in a volume.
func (s *sandbox) file(t *testing.T, inside, path string) {
	t.Helper()
	if inside == path {
		s.complaints = append(s.complaints, fmt.Sprintf("the configuration names the file %s, and no volume is mounted there", inside))
		return
	}
	if _, err := os.Stat(path); err == nil {
		return
	}
	if !slices.ContainsFunc(sortedKeys(s.secret), func(folder string) bool {
		return s.secret[folder] && strings.HasPrefix(path, folder+"/")
	}) {
		s.complaints = append(s.complaints, fmt.Sprintf("the configuration names the file %s, which its ConfigMap does not have", inside))
		return
	}
	write(t, path, madeUp(t, filepath.Base(path)))
}

// environment gives the variables of a container, and complains of those that
// the configuration reads and nobody sets.
func (s *sandbox) environment(c corev1.Container) []string {
	set := map[string]string{}
	if tmp, ok := s.mounts["/tmp"]; ok {
		set["TMPDIR"] = tmp // which is /tmp in the image
	}
	for _, e := range c.Env {
		set[e.Name] = s.host(e.Value)
		switch from := e.ValueFrom; {
		case from == nil:
		case from.ResourceFieldRef != nil && from.ResourceFieldRef.Resource == "limits.memory":
			set[e.Name] = strconv.FormatInt(c.Resources.Limits.Memory().Value(), 10)
		case from.FieldRef != nil && from.FieldRef.FieldPath == "status.podIP":
			set[e.Name] = "127.0.0.1"
		case from.FieldRef != nil:
			set[e.Name] = from.FieldRef.FieldPath
		case from.SecretKeyRef != nil || from.ConfigMapKeyRef != nil:
			set[e.Name] = secretFor(e.Name)
		}
	}
	fromSecret := slices.ContainsFunc(c.EnvFrom, func(f corev1.EnvFromSource) bool { return f.SecretRef != nil })
	for _, name := range s.wanted() {
		if _, ok := set[name]; ok {
			continue
		}
		if !fromSecret {
			s.complaints = append(s.complaints, fmt.Sprintf("the configuration reads %s, which the container %s does not get", name, c.Name))
			continue
		}
		set[name] = secretFor(name)
	}
	var all []string
	for _, name := range sortedKeys(set) {
		all = append(all, name+"="+set[name])
	}
	return all
}

// wanted gives the variables that the configuration reads.
func (s *sandbox) wanted() []string {
	if s.config == nil {
		return nil
	}
	text, err := os.ReadFile(s.config.path)
	if err != nil {
		return nil // read has read it
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil
	}
	var names []string
	var look func(n *yaml.Node)
	look = func(n *yaml.Node) {
		if n.Kind == yaml.MappingNode && len(n.Content) == 2 && n.Content[0].Value == "env" {
			names = append(names, n.Content[1].Value)
		}
		for _, c := range n.Content {
			look(c)
		}
	}
	look(&document)
	return names
}

// host gives the path on the machine of a path in the container; the longest
// mount counts. What is not mounted stays.
func (s *sandbox) host(path string) string {
	best := ""
	for mount := range s.mounts {
		if (path == mount || strings.HasPrefix(path, mount+"/")) && len(mount) > len(best) {
			best = mount
		}
	}
	if best == "" {
		return path
	}
	return s.mounts[best] + strings.TrimPrefix(path, best)
}

// words gives the command of a container as it runs on the machine.
func (s *sandbox) words(t *testing.T, c corev1.Container) []string {
	t.Helper()
	words := slices.Concat(c.Command, c.Args)
	if len(c.Command) == 0 {
		if len(c.Args) == 0 {
			words = imageCommand
		}
		words = append([]string{imageEntrypoint}, words...)
	}
	if words[0] != imageEntrypoint {
		t.Fatalf("%s runs %q: the image has %s and nothing else", c.Name, words, imageEntrypoint)
	}
	out := []string{binary(t)}
	for _, w := range words[1:] {
		out = append(out, s.host(w))
	}
	return out
}

// configOf gives the path of the configuration that a container serves.
func configOf(c corev1.Container) string {
	words := slices.Concat(c.Command, c.Args)
	if len(words) == 0 {
		words = imageCommand
	}
	for i, w := range words {
		if path, ok := strings.CutPrefix(w, "--config="); ok {
			return path
		}
		if (w == "-c" || w == "--config") && i+1 < len(words) {
			return words[i+1]
		}
	}
	return "config.yaml"
}

// get gives the value of a key, or nil.
func get(n *yaml.Node, key string) *yaml.Node {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// child gives the value of a key, and makes one where there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	if value := get(n, key); value != nil {
		return value
	}
	if n.Kind != yaml.MappingNode {
		*n = yaml.Node{Kind: yaml.MappingNode}
	}
	value := &yaml.Node{}
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, value)
	return value
}

func portIn(address string) string {
	return address[strings.LastIndex(address, ":")+1:]
}

// secretFor makes up what a variable or a file of that name would hold.
func secretFor(name string) string {
	switch name = strings.ToUpper(name); {
	case strings.HasSuffix(name, "URL"):
		return "https://hooks.example.com/services/T000/B000/made-up"
	case strings.Contains(name, "SIGNING"):
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte("made up for the chart's tests, 32"))
	default:
		return "made-up-for-tests"
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
