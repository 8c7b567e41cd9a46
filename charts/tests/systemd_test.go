package tests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// systemdDir is the folder of the unit and its configuration.
const systemdDir = "docs/install/systemd"

// credentials is where systemd puts those of the unit.
const credentials = "/run/credentials/cdrelay.service"

// unit gives the settings of the unit's sections, in order.
func unit(t *testing.T) map[string][]string {
	t.Helper()
	settings := map[string][]string{}
	for line := range strings.Lines(read(t, systemdDir+"/cdrelay.service")) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			settings[key] = append(settings[key], value)
		}
	}
	return settings
}

// TestSystemdServer runs the server as the unit would: its credentials are made
// up, its folders are temporary.
func TestSystemdServer(t *testing.T) {
	t.Parallel()
	settings := unit(t)
	s := &sandbox{dir: t.TempDir()}
	s.mounts = map[string]string{
		"/etc/cdrelay": filepath.Join(s.dir, "etc"),
		"/var/lib/" + settings["StateDirectory"][0]: filepath.Join(s.dir, "state"),
		credentials: filepath.Join(s.dir, "credentials"),
	}
	for _, folder := range s.mounts {
		write(t, filepath.Join(folder, ".made"), "")
	}
	copyTo(t, fromTop(systemdDir+"/config.yaml"), s.host("/etc/cdrelay/config.yaml"))
	config := read(t, systemdDir+"/config.yaml")
	for _, credential := range settings["LoadCredential"] {
		name, _, _ := strings.Cut(credential, ":")
		write(t, s.host(credentials+"/"+name), secretFor(name))
		if !strings.Contains(config, credentials+"/"+name+"}") {
			t.Errorf("the configuration does not use the credential %s", name)
		}
	}
	words := strings.Fields(settings["ExecStart"][0])
	container := corev1.Container{Name: "cdrelay", Command: []string{imageEntrypoint}, Args: words[1:]}
	for _, e := range settings["Environment"] {
		name, value, _ := strings.Cut(e, "=")
		container.Env = append(container.Env, corev1.EnvVar{Name: name, Value: value})
	}
	s.alone(t, container, duration(t, settings["TimeoutStopSec"][0]))
	for _, port := range []string{s.config.public, s.config.admin} {
		if !slices.Contains(settings["SocketBindAllow"], "tcp:"+port) {
			t.Errorf("the unit does not let the server listen on port %s", port)
		}
	}
}

// TestSystemdAnalyze lets systemd judge the unit: no warning, and at most 1.5 of
// 10 points of exposure.
func TestSystemdAnalyze(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("DID NOT RUN: there is no systemd-analyze: the package systemd has it")
	}
	file := filepath.Join(t.TempDir(), "cdrelay.service")
	write(t, file, strings.ReplaceAll(read(t, systemdDir+"/cdrelay.service"), "/usr/local/bin/cdrelay", binary(t)))
	for _, args := range [][]string{
		{"verify", "--man=no", file},
		{"security", "--offline=true", "--no-pager", "--threshold=15", file},
	} {
		out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput()
		if err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// TestGraces: nobody kills the server before it would have stopped by itself.
func TestGraces(t *testing.T) {
	for name, c := range map[string]struct {
		config string
		stop   func() time.Duration
	}{
		"systemd": {systemdDir + "/config.yaml", func() time.Duration { return duration(t, unit(t)["TimeoutStopSec"][0]) }},
		"compose": {composeDir + "/cdrelay/config.yaml", func() time.Duration {
			return time.Duration(*composed(t).Services["cdrelay"].StopGracePeriod)
		}},
	} {
		var config struct{ Shutdown struct{ Delay, Grace string } }
		readYAML(t, fromTop(c.config), &config)
		if need := duration(t, config.Shutdown.Delay) + duration(t, config.Shutdown.Grace); c.stop() <= need {
			t.Errorf("%s kills the server after %v, and it may take %v", name, c.stop(), need)
		}
	}
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(fmt.Errorf("%q: %w", text, err))
	}
	return d
}

// read gives the text of a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(fromTop(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
