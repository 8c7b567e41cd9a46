package house

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	// link finds the target of [text](target) and ![text](target "title").
	link = regexp.MustCompile(`\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)`)
	// code is what is shown, not followed: fenced blocks and spans.
	code = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```|`[^`\n]*`")
)

func TestLinks(t *testing.T) {
	exists := func(name string) bool {
		_, err := os.Stat(filepath.Join(root(t), filepath.FromSlash(name)))
		return err == nil
	}
	for _, name := range files(t, ".md") {
		report(t, checkLinks(name, read(t, name), exists))
	}
}

func TestLinksNotices(t *testing.T) {
	exists := func(name string) bool { return name == "docs/a.md" || name == "README.md" }
	text := "[a](a.md) [top](../README.md#first) ![x](x.png \"X\") [w](https://example.com/x)\n" +
		"[here](#there) [mail](mailto:a@example.com) `[c](c.md)` [out](../../etc/passwd) [abs](/docs/a.md)\n" +
		"```\n[d](d.md)\n```\n"
	expect(t, checkLinks("docs/b.md", text, exists), "x.png", "../../etc/passwd", "/docs/a.md")
}

// checkLinks wants the target of each relative link of a document to be there.
func checkLinks(name, text string, exists func(string) bool) []string {
	var complaints []string
	for _, m := range link.FindAllStringSubmatch(code.ReplaceAllString(text, ""), -1) {
		target, err := url.Parse(m[1])
		if err != nil {
			complaints = append(complaints, fmt.Sprintf("%s: the link %s is no URL", name, m[1]))
			continue
		}
		if target.Scheme != "" || target.Host != "" || target.Path == "" {
			continue
		}
		file := path.Join(path.Dir(name), target.Path)
		if path.IsAbs(target.Path) || strings.HasPrefix(file, "../") || !exists(file) {
			complaints = append(complaints, fmt.Sprintf("%s: the link %s leads nowhere in the repository", name, m[1]))
		}
	}
	return complaints
}
