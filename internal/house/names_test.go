package house

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// vague are names of packages that say nothing of what is inside.
var vague = []string{
	"util", "utils", "common", "helper", "helpers", "type", "types",
	"manager", "managers", "model", "models", "misc", "base", "shared",
}

// reminder is a note to do something later: it belongs into the issues.
var reminder = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|X` + `XX)\b`)

func TestNames(t *testing.T) {
	report(t, checkNames(sources(t)))
}

func TestNoReminders(t *testing.T) {
	report(t, checkReminders(sources(t)))
}

func TestNamesNotices(t *testing.T) {
	expect(t, checkNames([]source{
		parse(t, "internal/call/a.go", "package call\n"),
		parse(t, "internal/util/a.go", "package phone\n"),
		parse(t, "internal/phone/a.go", "package helpers\n"),
		parse(t, "internal/phone/a_test.go", "package models_test\n"),
	}), "internal/util/a.go", "internal/phone/a.go", "internal/phone/a_test.go")
	expect(t, checkReminders([]source{
		parse(t, "a/a.go", "package a\n\n// To"+"DO is a word.\n// TO"+"DO: later.\nvar masked = \"XXX\"\n"),
	}), "a/a.go:4")
}

func checkNames(all []source) []string {
	var complaints []string
	for _, s := range all {
		name := strings.TrimSuffix(s.file.Name.Name, "_test")
		if slices.Contains(vague, name) || slices.Contains(vague, path.Base(s.pkg())) {
			complaints = append(complaints, s.path+": the package's name does not say what it owns")
		}
	}
	return complaints
}

func checkReminders(all []source) []string {
	var complaints []string
	for _, s := range all {
		for _, group := range s.file.Comments {
			for _, c := range group.List {
				if word := reminder.FindString(c.Text); word != "" {
					complaints = append(complaints, fmt.Sprintf("%s:%d: %s in a comment; do it, or file an issue", s.path, s.line(c.Pos()), word))
				}
			}
		}
	}
	return complaints
}
