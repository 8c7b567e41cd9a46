package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

var (
	// semantic finds the parts of a semantic version that charts need.
	semantic = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)
	// between finds what git adds to a tag for a commit after it, or for changes
	// that are in no commit.
	between = regexp.MustCompile(`-\d+-g[0-9a-f]+(-dirty)?$|-dirty$`)
)

// tagged tells whether the version is that of a tag, and not of a commit between
// two.
func tagged(version string) bool {
	plain, ok := strings.CutPrefix(version, "v")
	return ok && semantic.MatchString(plain) && !between.MatchString(plain)
}

// releaseNotes gives the section of the changelog for a tag, or what is unreleased
// for any other commit.
func releaseNotes(file, version string) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	wanted := "Unreleased"
	if tagged(version) {
		wanted = strings.TrimPrefix(version, "v")
	}
	section, found := changelogSection(string(text), wanted)
	switch {
	case !found:
		return "", fmt.Errorf("%s has no section for %s: write one, as in `## %s - 2026-01-31`, from what is under `## Unreleased`", file, wanted, wanted)
	case section == "":
		return "", fmt.Errorf("%s says nothing under %s", file, wanted)
	}
	return "# cdrelay " + version + "\n\n" + section + "\n", nil
}

// changelogSection gives what stands below the heading of a version: `## 1.2.3`,
// `## [1.2.3]`, each perhaps with ` - ` and a date.
func changelogSection(text, version string) (section string, found bool) {
	var lines []string
	for line := range strings.Lines(text) {
		if heading, ok := strings.CutPrefix(line, "## "); ok {
			name, _, _ := strings.Cut(strings.TrimSpace(heading), " - ")
			if found {
				break
			}
			found = strings.Trim(name, "[]") == version
			continue
		}
		if found {
			lines = append(lines, line)
		}
	}
	return strings.TrimSpace(strings.Join(lines, "")), found
}
