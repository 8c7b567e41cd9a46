package house

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

var (
	// namedTest finds the name of a test in a document; … at its end stands for
	// several that begin alike.
	namedTest = regexp.MustCompile(`\b(?:Test|Fuzz|Benchmark)[A-Z]\w*…?`)
	// definedTest finds the name of a test where it is.
	definedTest = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Z]\w*)\(`)
)

// TestNamedTests: a matrix that names a test which is no more shows nothing.
func TestNamedTests(t *testing.T) {
	var defined []string
	for _, name := range files(t, "_test.go") {
		for _, m := range definedTest.FindAllStringSubmatch(read(t, name), -1) {
			defined = append(defined, m[1])
		}
	}
	for _, name := range files(t, ".md") {
		report(t, checkNamedTests(name, read(t, name), defined))
	}
}

func TestNamedTestsNotices(t *testing.T) {
	text := "`internal/x` TestOne, FuzzTwo; TestTh…, TestGone. Testing is no name, nor is TestO"
	expect(t, checkNamedTests("docs/a.md", text, []string{"TestOne", "FuzzTwo", "TestThree"}), "TestGone", "TestO, ")
}

// checkNamedTests wants each test that a document names to be there.
func checkNamedTests(name, text string, defined []string) []string {
	var complaints []string
	for _, named := range namedTest.FindAllString(text, -1) {
		start, several := strings.CutSuffix(named, "…")
		found := false
		for _, d := range defined {
			found = found || d == start || several && strings.HasPrefix(d, start)
		}
		if !found {
			complaints = append(complaints, fmt.Sprintf("%s names %s, which is no test", name, named))
		}
	}
	return complaints
}
