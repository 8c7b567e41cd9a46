package tests

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"gopkg.in/yaml.v3"
	corev1 "k8s.io/api/core/v1"
)

// composeDir is the folder of the Compose project.
const composeDir = "docs/install/compose"

// promtoolEnv names the command, with its arguments, that runs promtool.
const promtoolEnv = "CDRELAY_PROMTOOL"

// composed loads the project as Compose would, with the example of its .env. The
// schema of Compose refuses keys that it does not know.
func composed(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{fromTop(composeDir + "/compose.yaml")},
		cli.WithEnvFiles(fromTop(composeDir+"/env.example")), cli.WithDotEnv, cli.WithResolvedPaths(true))
	if err != nil {
		t.Fatal(err)
	}
	project, err := options.LoadProject(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return project
}

func TestCompose(t *testing.T) {
	report(t, checkCompose(composed(t)))
}

func TestComposeNotices(t *testing.T) {
	service := types.ServiceConfig{Name: "x"}
	service.Volumes = []types.ServiceVolumeConfig{{Type: types.VolumeTypeBind, Source: "/gone", Target: "/x"}}
	service.Ports = []types.ServicePortConfig{{Target: 81, Published: "81"}}
	bad := &types.Project{Services: types.Services{"x": service}}
	expect(t, checkCompose(bad), "/gone", "port 81", "capabilities", "privileges")
}

// checkCompose wants the mounted files to be there, and what is not for
// telephony platforms to answer on this machine only.
func checkCompose(project *types.Project) []string {
	var complaints []string
	for _, name := range sortedKeys(project.Services) {
		service := project.Services[name]
		complain := func(format string, args ...any) {
			complaints = append(complaints, name+": "+fmt.Sprintf(format, args...))
		}
		for _, v := range service.Volumes {
			if v.Type == types.VolumeTypeBind && !exists(v.Source) {
				complain("it mounts %s, which is not there", v.Source)
			}
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" && port.Published != "8080" {
				complain("everybody reaches its port %s", port.Published)
			}
		}
		if !slices.Contains(service.CapDrop, "ALL") {
			complain("it keeps capabilities")
		}
		if !slices.Contains(service.SecurityOpt, "no-new-privileges:true") {
			complain("it may gain privileges")
		}
	}
	return complaints
}

// TestComposeServer runs the server as its service would.
func TestComposeServer(t *testing.T) {
	t.Parallel()
	service := composed(t).Services["cdrelay"]
	if !service.ReadOnly || service.User != "65532:65532" {
		t.Errorf("read-only is %t, the user %q", service.ReadOnly, service.User)
	}
	if service.MemLimit == 0 {
		t.Error("the server has no memory limit, and takes what it can get")
	}
	s := &sandbox{dir: t.TempDir(), mounts: map[string]string{}}
	for _, v := range service.Volumes {
		s.mounts[v.Target] = filepath.Join(s.dir, v.Target)
		if v.Type == types.VolumeTypeBind {
			copyTo(t, v.Source, s.mounts[v.Target])
		}
	}
	container := corev1.Container{Name: "cdrelay", Command: service.Entrypoint, Args: service.Command}
	for name, value := range service.Environment {
		container.Env = append(container.Env, corev1.EnvVar{Name: name, Value: *value})
	}
	s.alone(t, container, time.Duration(*service.StopGracePeriod))
}

// TestComposePrometheus lets Prometheus judge its configuration where Compose
// would put it.
func TestComposePrometheus(t *testing.T) {
	project := composed(t)
	service := project.Services["prometheus"]
	mod, err := os.ReadFile(fromTop(".ci/promtool.mod"))
	if err != nil {
		t.Fatal(err)
	}
	// Version 0.315.0 of the module is Prometheus 3.15.0.
	m := regexp.MustCompile(`github\.com/prometheus/prometheus v0\.(\d)(\d\d)\.(\d+)`).FindSubmatch(mod)
	if m == nil {
		t.Fatal("no version of promtool in .ci/promtool.mod")
	}
	minor := strings.TrimPrefix(string(m[2]), "0")
	if want := fmt.Sprintf("prom/prometheus:v%s.%s.%s", m[1], minor, m[3]); service.Image != want {
		t.Errorf("the alerts are tested with another version than they run in: %s, want %s", service.Image, want)
	}
	root := t.TempDir()
	for _, v := range service.Volumes {
		if v.Type == types.VolumeTypeBind {
			copyTo(t, v.Source, filepath.Join(root, v.Target))
		}
	}
	i := slices.IndexFunc(service.Command, func(word string) bool { return strings.HasPrefix(word, "--config.file=") })
	file := filepath.Join(root, strings.TrimPrefix(service.Command[i], "--config.file="))
	checkTargets(t, project, file)
	promtool(t, "check", "config", file)
}

// checkTargets wants each target of a scrape to be a service.
func checkTargets(t *testing.T, project *types.Project, file string) {
	t.Helper()
	var config struct {
		Scrapes []struct {
			Static []struct{ Targets []string } `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	readYAML(t, file, &config)
	var server struct{ Admin struct{ Listen string } }
	readYAML(t, fromTop(composeDir+"/cdrelay/config.yaml"), &server)
	want := "cdrelay" + server.Admin.Listen
	if len(config.Scrapes) != 1 || len(config.Scrapes[0].Static) != 1 || !slices.Equal(config.Scrapes[0].Static[0].Targets, []string{want}) {
		t.Errorf("Prometheus scrapes %v, and cdrelay serves at %s", config.Scrapes, want)
	}
	if _, ok := project.Services["cdrelay"]; !ok {
		t.Error("there is no service cdrelay")
	}
}

// TestComposeGrafana: what Grafana is told to load is mounted where it looks.
func TestComposeGrafana(t *testing.T) {
	project := composed(t)
	service := project.Services["grafana"]
	root := t.TempDir()
	for _, v := range service.Volumes {
		if v.Type == types.VolumeTypeBind {
			copyTo(t, v.Source, filepath.Join(root, v.Target))
		}
	}
	var dashboards struct {
		APIVersion int `yaml:"apiVersion"`
		Providers  []struct {
			Name, Type string
			Options    struct{ Path string }
		}
	}
	readYAML(t, filepath.Join(root, "etc/grafana/provisioning/dashboards/cdrelay.yaml"), &dashboards)
	if len(dashboards.Providers) != 1 || !exists(filepath.Join(root, dashboards.Providers[0].Options.Path, "grafana.json")) {
		t.Errorf("no dashboard lies where Grafana looks: %+v", dashboards)
	}
	if home := *service.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]; !exists(filepath.Join(root, home)) {
		t.Errorf("there is no dashboard at %s", home)
	}
	var sources struct {
		APIVersion  int `yaml:"apiVersion"`
		Datasources []struct {
			Name, Type, UID, URL string
			IsDefault            bool              `yaml:"isDefault"`
			JSON                 map[string]string `yaml:"jsonData"`
		}
	}
	readYAML(t, filepath.Join(root, "etc/grafana/provisioning/datasources/cdrelay.yaml"), &sources)
	port := project.Services["prometheus"].Ports[0].Target
	if len(sources.Datasources) != 1 || sources.Datasources[0].URL != fmt.Sprintf("http://prometheus:%d", port) || !sources.Datasources[0].IsDefault {
		t.Errorf("the datasource is not the service prometheus: %+v", sources)
	}
}

// alone checks the configuration of a server without a cluster, starts it, asks
// for its health and ends it within the time.
func (s *sandbox) alone(t *testing.T, c corev1.Container, grace time.Duration) {
	t.Helper()
	s.read(t, s.host(configOf(c)))
	s.env = map[string][]string{c.Name: s.environment(c)}
	report(t, s.complaints)
	if out, err := s.check(t, c); err != nil {
		t.Fatalf("cdrelay check: %v\n%s", err, out)
	}
	run := s.start(t, c)
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if got := run.get(t, s.config.admin, path); got != 200 {
			t.Errorf("%s answers %d", path, got)
		}
	}
	run.stop(t, grace, func(string) {})
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if err := yaml.NewDecoder(f).Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func promtool(t *testing.T, args ...string) {
	t.Helper()
	command := strings.Fields(os.Getenv(promtoolEnv))
	if len(command) == 0 {
		t.Skipf("DID NOT RUN: %s names no promtool: make chart does", promtoolEnv)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // it may be compiled first
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], append(command[1:], args...)...)
	cmd.Dir = fromTop(".")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// copyTo copies a file or a folder.
func copyTo(t *testing.T, from, to string) {
	t.Helper()
	about, err := os.Stat(from)
	if err != nil {
		t.Fatal(err)
	}
	if about.IsDir() {
		if err := os.CopyFS(to, os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, string(text))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
