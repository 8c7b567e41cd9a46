package main

import (
	"context"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// source tells which source is shipped.
type source struct {
	// version is the tag, or what `git describe` makes of it.
	version string
	// revision is the commit.
	revision string
	// time is the commit's: everything that carries a time carries this one.
	time time.Time
}

// describe asks git; the version may be given. Without git (a source archive) the
// version is "devel", the revision "unknown" and the time the epoch.
func describe(ctx context.Context, root, version string) source {
	s := source{version: version, revision: git(ctx, root, "rev-parse", "HEAD"), time: time.Unix(0, 0).UTC()}
	if s.version == "" {
		s.version = git(ctx, root, "describe", "--tags", "--always", "--dirty")
	}
	if s.version == "" {
		s.version = "devel"
	}
	if s.revision == "" {
		s.revision = "unknown"
	}
	if seconds, err := strconv.ParseInt(git(ctx, root, "log", "-1", "--format=%ct"), 10, 64); err == nil {
		s.time = time.Unix(seconds, 0).UTC()
	}
	return s
}

// git gives the output of a git command, or nothing.
func git(ctx context.Context, root string, args ...string) string {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", root}, args...)...) //nolint:gosec // the arguments are ours
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}
