package main

import (
	"bytes"
	"debug/elf"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// most is how large the binary may be, and the image of a platform, unpacked.
const most = 40_000_000

func TestImageFiles(t *testing.T) {
	eachImage(t, func(t *testing.T, p platform, image v1.Image) {
		t.Helper()
		if err := validate.Image(image); err != nil {
			t.Error(err)
		}
		files := listTar(t, mutate.Extract(image))
		size := 0
		for i := range files {
			size += len(files[i].text)
		}
		if size > most {
			t.Errorf("the image has %d bytes, over %d", size, most)
		}
		t.Logf("%s: %d bytes", p, size)
		// All that there is: no shell, no package manager, no /etc.
		want := []entry{
			{name: "cdrelay", mode: 0o755},
			{name: "data/", mode: fs.ModeDir | 0o700, uid: 65532, gid: 65532},
		}
		byName := func(a, b entry) int { return strings.Compare(a.name, b.name) }
		slices.SortFunc(files, byName)
		same := func(a, b entry) bool {
			return strings.TrimSuffix(a.name, "/") == strings.TrimSuffix(b.name, "/") && a.mode == b.mode && a.uid == b.uid && a.gid == b.gid
		}
		if !slices.EqualFunc(files, want, same) {
			for _, f := range files {
				t.Errorf("the image holds %s %v of %d:%d", f.name, f.mode, f.uid, f.gid)
			}
			t.Fatalf("and must hold %d files", len(want))
		}
		checkBinary(t, p, files[0].text)
	})
}

// checkBinary wants a static binary for the platform.
func checkBinary(t *testing.T, p platform, text []byte) {
	t.Helper()
	if !bytes.Equal(text, read(t, theProduct(t).binaries[p])) {
		t.Error("the binary in the image is not the one that was built")
	}
	f, err := elf.NewFile(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	machine := map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}
	if f.Machine != machine[p.arch] {
		t.Errorf("the binary is for %s", f.Machine)
	}
	for _, s := range f.Progs {
		if s.Type == elf.PT_INTERP {
			t.Error("the binary asks for a dynamic loader, which the image does not have")
		}
	}
	if f.Section(".debug_info") != nil {
		t.Error("the binary carries its debug information")
	}
}

func TestImageConfig(t *testing.T) {
	s := theProduct(t).source
	eachImage(t, func(t *testing.T, p platform, image v1.Image) {
		t.Helper()
		file, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		c := file.Config
		if file.OS != p.os || file.Architecture != p.arch || !file.Created.Equal(s.time) {
			t.Errorf("for %s/%s of %s, want %s of %s", file.OS, file.Architecture, file.Created, p, s.time)
		}
		if c.User != "65532:65532" {
			t.Errorf("runs as %q", c.User)
		}
		if command := append(slices.Clone(c.Entrypoint), c.Cmd...); !slices.Equal(command, []string{"/cdrelay", "serve", "-c", "/etc/cdrelay/config.yaml"}) {
			t.Errorf("runs %q", command)
		}
		if !slices.Equal(c.Env, []string{"TMPDIR=/data"}) {
			t.Errorf("has the environment %q", c.Env)
		}
		for _, port := range []string{"8080/tcp", "8081/tcp"} {
			if _, ok := c.ExposedPorts[port]; !ok || len(c.ExposedPorts) != 2 {
				t.Errorf("exposes %v, which lacks %s or has more", c.ExposedPorts, port)
			}
		}
		if _, ok := c.Volumes["/data"]; !ok || len(c.Volumes) != 1 {
			t.Errorf("has the volumes %v", c.Volumes)
		}
		for label, want := range map[string]string{
			"title": "cdrelay", "licenses": "Apache-2.0", "source": "https://github.com/cdrelay/cdrelay",
			"version": s.version, "revision": s.revision,
		} {
			if got := c.Labels["org.opencontainers.image."+label]; got != want {
				t.Errorf("label %s is %q, want %q", label, got, want)
			}
		}
		if kind, err := image.MediaType(); err != nil || kind != types.OCIManifestSchema1 {
			t.Errorf("the manifest is of type %s, %v", kind, err)
		}
	})
}

// TestSameSourceSameBytes builds again, of nothing but what .dockerignore lets
// through to docker, in another folder.
func TestSameSourceSameBytes(t *testing.T) {
	p := theProduct(t)
	elsewhere := t.TempDir()
	copyContext(t, p.root, elsewhere)
	again := map[platform]string{}
	for _, one := range p.platforms {
		binary, err := build(t.Context(), elsewhere, filepath.Join(elsewhere, "built"), p.source.version, one)
		if err != nil {
			t.Fatal(err)
		}
		if again[one] = binary; !bytes.Equal(read(t, binary), read(t, p.binaries[one])) {
			t.Errorf("the binary for %s differs", one)
		}
	}
	second := p.target
	second.out = t.TempDir()
	archive, err := writeImage(second, again)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(read(t, archive), read(t, p.archive)) {
		t.Error("the archive differs")
	}
}

// copyContext copies what a build with docker sees.
func copyContext(t *testing.T, from, to string) {
	t.Helper()
	for line := range strings.Lines(string(read(t, filepath.Join(from, ".dockerignore")))) {
		name, ok := strings.CutPrefix(strings.TrimSpace(line), "!")
		if !ok {
			continue
		}
		err := filepath.WalkDir(filepath.Join(from, name), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			below, err := filepath.Rel(from, path)
			if err == nil {
				write(t, filepath.Join(to, below), read(t, path))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(filepath.Join(to, "go.mod")); err != nil {
		t.Fatal(err)
	}
}

func eachImage(t *testing.T, look func(*testing.T, platform, v1.Image)) {
	t.Helper()
	found := images(t, theProduct(t).archive)
	if len(found) != len(imagePlatforms()) {
		t.Errorf("%d images, want %d", len(found), len(imagePlatforms()))
	}
	for _, p := range imagePlatforms() {
		t.Run(p.os+"-"+p.arch, func(t *testing.T) {
			if found[p] == nil {
				t.Fatal("there is none")
			}
			look(t, p, found[p])
		})
	}
}
