package house

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var (
	// link finds the target of [text](target) and ![text](target "title").
	link = regexp.MustCompile(`\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)`)
	// code is what is shown, not followed: fenced blocks and spans.
	code = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```|`[^`\n]*`")

	fenced  = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```")
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
	linked  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

func TestLinks(t *testing.T) {
	leads := func(name, anchor string) bool {
		if _, err := os.Stat(filepath.Join(root(t), filepath.FromSlash(name))); err != nil {
			return false
		}
		return anchor == "" || path.Ext(name) == ".md" && slices.Contains(anchors(read(t, name)), anchor)
	}
	for _, name := range files(t, ".md") {
		report(t, checkLinks(name, read(t, name), leads))
	}
}

func TestLinksNotices(t *testing.T) {
	leads := func(name, anchor string) bool {
		return name == "docs/a.md" && anchor != "gone" || name == "README.md" || name == "docs/b.md" && anchor == "here"
	}
	text := "[a](a.md) [top](../README.md#first) ![x](x.png \"X\") [w](https://example.com/x)\n" +
		"[here](#here) [there](#there) [gone](a.md#gone) [mail](mailto:a@example.com) `[c](c.md)`\n" +
		"[out](../../etc/passwd) [abs](/docs/a.md)\n```\n[d](d.md)\n```\n"
	expect(t, checkLinks("docs/b.md", text, leads), "x.png", "#there", "a.md#gone", "../../etc/passwd", "/docs/a.md")
}

func TestAnchors(t *testing.T) {
	text := "# The `spool`: a file, and more\n## Twice\n```sh\n# no heading\n```\n### Twice\n## [Link](a.md) of_it\n"
	want := []string{"the-spool-a-file-and-more", "twice", "twice-1", "link-of_it"}
	if got := anchors(text); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

// checkLinks wants the target of each relative link of a document to be there,
// with the heading that it names.
func checkLinks(name, text string, leads func(name, anchor string) bool) []string {
	var complaints []string
	for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(text, ""), -1) {
		target, err := url.Parse(m[1])
		if err != nil {
			complaints = append(complaints, fmt.Sprintf("%s: the link %s is no URL", name, m[1]))
			continue
		}
		if target.Scheme != "" || target.Host != "" {
			continue
		}
		file := name // of a link within the page
		if target.Path != "" {
			file = path.Join(path.Dir(name), target.Path)
		}
		if path.IsAbs(target.Path) || strings.HasPrefix(file, "../") || !leads(file, target.Fragment) {
			complaints = append(complaints, fmt.Sprintf("%s: the link %s leads nowhere in the repository", name, m[1]))
		}
	}
	return complaints
}

// anchors gives the names by which GitHub lets the headings of a document be
// linked to.
func anchors(text string) []string {
	var names []string
	seen := map[string]int{}
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		words := linked.ReplaceAllString(m[1], "$1")
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, words)
		n := seen[name]
		seen[name]++
		if n > 0 {
			name = fmt.Sprintf("%s-%d", name, n)
		}
		names = append(names, name)
	}
	return names
}
