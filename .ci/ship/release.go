package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// besides are the files that go into each archive beside the binary.
func besides() []string {
	return []string{"LICENSE", "README.md", "docs/CHANGELOG.md", "config.example.yaml"}
}

// makeRelease fills an empty folder with all that a release hands out:
//
//	RELEASE_NOTES.md                        from docs/CHANGELOG.md
//	cdrelay_<version>_<os>_<arch>.tar.gz    the binary, licence, example
//	cdrelay_<version>_<os>_<arch>.cdx.json  what is in it, as CycloneDX
//	cdrelay-<version>-oci.tar               the image, for the platforms of Linux
//	cdrelay-<version>.tgz                   the chart
//	SHA256SUMS                              of all those
func makeRelease(ctx context.Context, t target, helm []string) error {
	notes, err := releaseNotes(filepath.Join(t.root, "docs", "CHANGELOG.md"), t.source.version)
	if err != nil {
		return err
	}
	if err := emptyFolder(t.out); err != nil {
		return err
	}
	if err := publish(filepath.Join(t.out, "RELEASE_NOTES.md"), []byte(notes)); err != nil {
		return err
	}
	if err := makeBinaries(ctx, t); err != nil {
		return err
	}
	if err := packageChart(ctx, t, helm); err != nil {
		return err
	}
	return writeSums(t.out)
}

// emptyFolder makes the folder, and refuses one that holds something: its
// checksums would vouch for what an earlier run left.
func emptyFolder(folder string) error {
	if err := publicFolder(folder); err != nil {
		return err
	}
	held, err := os.ReadDir(folder)
	if err == nil && len(held) > 0 {
		err = fmt.Errorf("%s is not empty: remove it first", folder)
	}
	return err
}

// makeBinaries makes what holds a binary: archives, bills of materials, the image.
func makeBinaries(ctx context.Context, t target) (err error) {
	work, err := os.MkdirTemp("", "cdrelay-release-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	linux := t
	linux.platforms = nil
	binaries := map[platform]string{}
	for _, p := range t.platforms {
		if binaries[p], err = build(ctx, t.root, work, t.source.version, p); err != nil {
			return err
		}
		if err := archiveBinary(t, p, binaries[p]); err != nil {
			return fmt.Errorf("archive for %s: %w", p, err)
		}
		if p.os == "linux" {
			linux.platforms = append(linux.platforms, p)
		}
	}
	if len(linux.platforms) > 0 {
		_, err = writeImage(linux, binaries)
	}
	return err
}

// archiveBinary writes the archive of one platform and its bill of materials.
func archiveBinary(t target, p platform, binary string) error {
	base := fmt.Sprintf("cdrelay_%s_%s_%s", strings.TrimPrefix(t.source.version, "v"), p.os, p.arch)
	entries := []entry{{name: base + "/", mode: 0o755}}
	text, err := os.ReadFile(binary)
	if err != nil {
		return err
	}
	entries = append(entries, entry{name: base + "/cdrelay", mode: 0o755, text: text})
	for _, name := range besides() {
		text, err := os.ReadFile(filepath.Join(t.root, filepath.FromSlash(name)))
		if err != nil {
			return err
		}
		entries = append(entries, entry{name: base + "/" + filepath.Base(name), mode: 0o644, text: text})
	}
	if err := writeTarGz(filepath.Join(t.out, base+".tar.gz"), t.source.time, entries); err != nil {
		return err
	}
	return writeBill(filepath.Join(t.out, base+".cdx.json"), t.source, binary)
}

// packageChart lets helm package the chart; the image of this version is the one
// that it runs.
func packageChart(ctx context.Context, t target, helm []string) error {
	args := append(helm[1:len(helm):len(helm)], "package", filepath.Join(t.root, "charts", "cdrelay"),
		"--version", chartVersion(t.source.version), "--app-version", t.source.version, "--destination", t.out)
	cmd := exec.CommandContext(ctx, helm[0], args...) //nolint:gosec // the Makefile names it
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("helm package: %w\n%s", err, out)
	}
	return nil
}

// chartVersion makes a semantic version, which charts must have, of what git says;
// a commit without any tag before it is a pre-release of 0.0.0.
func chartVersion(version string) string {
	if plain, ok := strings.CutPrefix(version, "v"); ok && semantic.MatchString(plain) {
		return plain
	}
	return "0.0.0-g" + strings.TrimPrefix(version, "v")
}

// writeSums writes the checksums in the form that `sha256sum --check` reads.
func writeSums(folder string) error {
	files, err := os.ReadDir(folder) // sorted by name
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(folder, f.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(text), f.Name())
	}
	return publish(filepath.Join(folder, "SHA256SUMS"), []byte(sums.String()))
}
