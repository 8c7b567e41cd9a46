package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// platform is one that Go builds for.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "/" + p.arch }

// imagePlatforms are those of the image.
func imagePlatforms() []platform { return []platform{{"linux", "amd64"}, {"linux", "arm64"}} }

// releasePlatforms are those of the archives. Windows is not among them: the lock
// that keeps a second process off the spool is flock.
func releasePlatforms() []platform {
	return append(imagePlatforms(), platform{"darwin", "amd64"}, platform{"darwin", "arm64"})
}

// parsePlatforms reads a list such as linux/amd64,darwin/arm64.
func parsePlatforms(list string) ([]platform, error) {
	var all []platform
	for name := range strings.SplitSeq(list, ",") {
		if name == "" {
			continue
		}
		system, arch, ok := strings.Cut(name, "/")
		if !ok || system == "" || arch == "" {
			return nil, fmt.Errorf("%q is no platform: write it as linux/amd64", name)
		}
		all = append(all, platform{system, arch})
	}
	return all, nil
}

// build makes the binary for a platform in a folder and gives its name. The
// Makefile does it, so that its flags are the only ones.
func build(ctx context.Context, root, folder, version string, p platform) (string, error) {
	name := filepath.Join(folder, p.os+"-"+p.arch, "cdrelay")
	cmd := exec.CommandContext(ctx, "make", "--no-print-directory", "-C", root, "build", "VERSION="+version, "OUT="+name) //nolint:gosec // our own Makefile
	cmd.Env = append(plainEnv(), "GOOS="+p.os, "GOARCH="+p.arch)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build for %s: %w\n%s", p, err, out)
	}
	return name, nil
}

// plainEnv is the environment without what a calling make tells its own children,
// such as --keep-going and the variables of its command line.
func plainEnv() []string {
	var env []string
	for _, e := range os.Environ() {
		if name, _, _ := strings.Cut(e, "="); !strings.HasPrefix(name, "MAKE") && name != "MFLAGS" && name != "OUT" {
			env = append(env, e)
		}
	}
	return env
}
