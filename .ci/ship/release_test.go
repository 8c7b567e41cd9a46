package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// helmEnv names the command, with its arguments, that runs helm.
const helmEnv = "CDRELAY_HELM"

func TestRelease(t *testing.T) {
	helm := strings.Fields(os.Getenv(helmEnv))
	if len(helm) == 0 {
		t.Skipf("DID NOT RUN: %s is not set; make ship sets it", helmEnv)
	}
	r := theProduct(t).target
	r.out, r.platforms = t.TempDir(), []platform{{runtime.GOOS, runtime.GOARCH}}
	if err := makeRelease(t.Context(), r, helm); err != nil {
		t.Fatal(err)
	}
	base := fmt.Sprintf("cdrelay_%s_%s_%s", strings.TrimPrefix(r.source.version, "v"), runtime.GOOS, runtime.GOARCH)
	chart := "cdrelay-" + chartVersion(r.source.version) + ".tgz"
	want := []string{"RELEASE_NOTES.md", "SHA256SUMS", base + ".tar.gz", base + ".cdx.json", chart}
	if runtime.GOOS == "linux" {
		want = append(want, "cdrelay-"+r.source.version+"-oci.tar")
	}
	slices.Sort(want)
	if got := names(t, r.out); !slices.Equal(got, want) {
		t.Fatalf("the release holds %q, want %q", got, want)
	}
	t.Run("checksums", func(t *testing.T) { checkSums(t, r.out) })
	t.Run("archive", func(t *testing.T) { checkArchive(t, filepath.Join(r.out, base+".tar.gz"), base) })
	t.Run("bill", func(t *testing.T) { checkBill(t, filepath.Join(r.out, base+".cdx.json"), r.source) })
	t.Run("chart", func(t *testing.T) { checkChart(t, filepath.Join(r.out, chart), r.source) })
	t.Run("not twice", func(t *testing.T) {
		if err := makeRelease(t.Context(), r, helm); err == nil || !strings.Contains(err.Error(), "not empty") {
			t.Errorf("error %v", err)
		}
	})
}

func names(t *testing.T, folder string) []string {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range files {
		all = append(all, f.Name())
	}
	return all
}

// checkSums wants a true checksum for each file.
func checkSums(t *testing.T, folder string) {
	t.Helper()
	var want []string
	for _, name := range names(t, folder) {
		if name != "SHA256SUMS" {
			want = append(want, fmt.Sprintf("%x  %s", sha256.Sum256(read(t, filepath.Join(folder, name))), name))
		}
	}
	if got := strings.Split(strings.TrimSpace(string(read(t, filepath.Join(folder, "SHA256SUMS")))), "\n"); !slices.Equal(got, want) {
		t.Errorf("the checksums are %q, want %q", got, want)
	}
}

// checkArchive wants the files of the tree, and a binary that runs.
func checkArchive(t *testing.T, archive, base string) {
	t.Helper()
	var list []string
	for _, e := range listFile(t, archive) {
		name := strings.TrimPrefix(e.name, base+"/")
		list = append(list, fmt.Sprintf("%v %s", e.mode.Perm(), name))
		switch i := slices.IndexFunc(besides(), func(b string) bool { return filepath.Base(b) == name }); {
		case name == "cdrelay":
			binary := filepath.Join(t.TempDir(), "cdrelay")
			if err := os.WriteFile(binary, e.text, 0o755); err != nil {
				t.Fatal(err)
			}
			out, err := exec.CommandContext(t.Context(), binary, "version").Output()
			if want := "cdrelay " + theProduct(t).source.version + " "; err != nil || !strings.HasPrefix(string(out), want) {
				t.Errorf("the binary says %q, %v; want %q", out, err, want)
			}
		case i >= 0:
			if !bytes.Equal(e.text, read(t, filepath.Join(theProduct(t).root, besides()[i]))) {
				t.Errorf("%s is not that of the tree", name)
			}
		}
	}
	want := []string{"-rwxr-xr-x ", "-rwxr-xr-x cdrelay", "-rw-r--r-- LICENSE", "-rw-r--r-- README.md", "-rw-r--r-- CHANGELOG.md", "-rw-r--r-- config.example.yaml"}
	if !slices.Equal(list, want) {
		t.Errorf("the archive holds %q, want %q", list, want)
	}
}

// checkBill holds the bill of materials against what the go command says of the
// binary.
func checkBill(t *testing.T, file string, s source) {
	t.Helper()
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(read(t, file)), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	if m := bom.Metadata.Component; m.Name != "github.com/cdrelay/cdrelay" || m.Version != s.version {
		t.Errorf("the bill is for %s %s", m.Name, m.Version)
	}
	var got []string
	for _, c := range *bom.Components {
		got = append(got, c.Name+" "+c.Version)
		if c.Name != "std" && (c.Hashes == nil || len((*c.Hashes)[0].Value) != 64) {
			t.Errorf("%s has no SHA-256: %v", c.Name, c.Hashes)
		}
	}
	out, err := exec.CommandContext(t.Context(), "go", "version", "-m", theProduct(t).binaries[platform{runtime.GOOS, runtime.GOARCH}]).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"std " + strings.TrimPrefix(runtime.Version(), "go")}
	for line := range strings.Lines(string(out)) {
		if f := strings.Fields(line); len(f) >= 3 && f[0] == "dep" {
			want = append(want, f[1]+" "+f[2])
		}
	}
	if !slices.Equal(got, want) || len(want) < 30 {
		t.Errorf("the bill lists %q, the binary %q", got, want)
	}
	if d := *bom.Dependencies; len(d) != 1 || len(*d[0].Dependencies) != len(want) {
		t.Errorf("the dependencies are %v", d)
	}
}

// checkChart wants the chart to run the image of its release.
func checkChart(t *testing.T, file string, s source) {
	t.Helper()
	for _, e := range listFile(t, file) {
		if e.name != "cdrelay/Chart.yaml" {
			continue
		}
		for _, want := range []string{"version: " + chartVersion(s.version), "appVersion: " + s.version} {
			if !strings.Contains(string(e.text), want) {
				t.Errorf("Chart.yaml lacks %q:\n%s", want, e.text)
			}
		}
		return
	}
	t.Error("there is no Chart.yaml")
}

func TestChartVersion(t *testing.T) {
	for version, want := range map[string]string{
		"v1.2.3": "1.2.3", "v1.2.3-rc.1": "1.2.3-rc.1", "v1.2.3-4-gabc1234-dirty": "1.2.3-4-gabc1234-dirty",
		"0123456": "0.0.0-g0123456", "a95b0fe-dirty": "0.0.0-ga95b0fe-dirty", "devel": "0.0.0-gdevel",
	} {
		if got := chartVersion(version); got != want {
			t.Errorf("%s: %s, want %s", version, got, want)
		}
	}
}

func TestReleaseNotes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "CHANGELOG.md")
	write(t, file, []byte("# Changelog\n\nAbout.\n\n## Unreleased\n\n- soon\n\n## [1.1.0] - 2026-01-31\n\n### Added\n\n- one\n\n## 1.0.0 - 2026-01-01\n\n- first\n\n## 0.9.0\n\n"))
	for version, want := range map[string]string{
		"v1.1.0": "### Added\n\n- one", "v1.0.0": "- first", "v1.1.0-2-gabc1234": "- soon", "v1.1.0-dirty": "- soon", "abc1234": "- soon", "devel": "- soon",
	} {
		got, err := releaseNotes(file, version)
		if err != nil || got != "# cdrelay "+version+"\n\n"+want+"\n" {
			t.Errorf("%s: %q, %v", version, got, err)
		}
	}
	for version, says := range map[string]string{"v1.2.0": "## 1.2.0 - ", "v0.9.0": "nothing under 0.9.0", "v1.1.0-rc.1": "no section for 1.1.0-rc.1"} {
		if _, err := releaseNotes(file, version); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v says nothing of %q", version, err, says)
		}
	}
}

func TestPlatforms(t *testing.T) {
	got, err := parsePlatforms("linux/amd64,darwin/arm64")
	if err != nil || !slices.Equal(got, []platform{{"linux", "amd64"}, {"darwin", "arm64"}}) {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := parsePlatforms("linux"); err == nil {
		t.Error("linux alone is no platform")
	}
}

// TestLayoutNames: those who load the archive find a name in it.
func TestLayoutNames(t *testing.T) {
	for _, e := range listFile(t, theProduct(t).archive) {
		if e.name != "index.json" {
			continue
		}
		var index struct {
			Manifests []struct{ Annotations map[string]string }
		}
		if err := json.Unmarshal(e.text, &index); err != nil || len(index.Manifests) != 1 {
			t.Fatalf("%s, %v", e.text, err)
		}
		version := theProduct(t).source.version
		a := index.Manifests[0].Annotations
		if a["org.opencontainers.image.ref.name"] != version || a["io.containerd.image.name"] != "docker.io/library/cdrelay:"+version {
			t.Errorf("names %v", a)
		}
		return
	}
	t.Error("there is no index.json")
}
