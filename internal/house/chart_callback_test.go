package house

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"gopkg.in/yaml.v3"
)

// TestChartCallback runs what `helm test` runs, for every kind of door, against
// the real server with the configuration of the same set of values.
func TestChartCallback(t *testing.T) {
	sets := valuesSets(t)
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("there is no curl")
	}
	binary := buildBinary(t)
	for _, c := range []struct{ set, door, status string }{
		{"minimal", "open", "200"},
		{"sidecar", "header", "200"},
		{"httproute", "basic", "200"},
		{"digest-auth", "digest", "200"},
		{"secret-files", "header", "200"},
		{"ingress-tls", "query", "403"}, // 127.0.0.1 is not in allow
	} {
		t.Run(c.set+" "+c.door, func(t *testing.T) {
			all := render(t, sets[c.set])
			pod := one(t, all, "Pod").Spec.Containers[0]
			public := serveChart(t, binary, configuration(t, all))
			cmd := exec.CommandContext(t.Context(), pod.Command[0], append(pod.Command[1:], pod.Args...)...)
			for _, e := range pod.Env {
				switch {
				case e.Name == "URL":
					e.Value = "http://" + public + e.Value[strings.Index(e.Value, "/callbacks/"):]
				case e.Value == "":
					e.Value = secretFor("") + "\n" // a Secret made with kubectl from a file
				}
				cmd.Env = append(cmd.Env, e.Name+"="+e.Value)
			}
			cmd.Env = append(cmd.Env, "PATH="+os.Getenv("PATH"))
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), c.status) {
				t.Errorf("%v, want %s:\n%s", err, c.status, out)
			}
		})
	}
}

// doors is the part of a configuration that a server on loopback needs.
type doors struct {
	Listen  string `yaml:"listen"`
	Admin   any    `yaml:"admin"`
	Spool   any    `yaml:"spool"`
	Sources []any  `yaml:"sources"`
}

// serveChart runs the server with the sources of a rendered configuration until
// the test ends, and gives the address of its public listener.
func serveChart(t *testing.T, binary, config string) string {
	t.Helper()
	dir := t.TempDir()
	var c doors
	if err := yaml.Unmarshal([]byte(config), &c); err != nil {
		t.Fatal(err)
	}
	c.Listen, c.Admin = "127.0.0.1:0", map[string]string{"listen": "127.0.0.1:0"}
	c.Spool = map[string]string{"path": filepath.Join(dir, "spool.db")}
	text, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	text = mounted.ReplaceAllFunc(text, func(path []byte) []byte { return []byte(mount(t, dir, string(path))) })
	file := filepath.Join(dir, "config.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`env: (\w+)`).FindAllSubmatch(text, -1) {
		t.Setenv(string(m[1]), secretFor(""))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	cmd := exec.CommandContext(ctx, binary, "serve", "-c", file)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() }) // ended by the signal
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line struct{ Msg, Listen string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "cdrelay serves" {
			go func() { // the server must never wait for its log
				for lines.Scan() {
				}
			}()
			return line.Listen
		}
	}
	t.Fatal("the server did not start")
	return ""
}
