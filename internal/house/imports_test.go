package house

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
)

// row is one line of the import table.
type row struct {
	// level orders the packages: nobody imports a higher one.
	level int
	// pattern is matched with path.Match; the first row that matches counts.
	pattern string
	// may are the patterns of our packages that it may import.
	may []string
	// support marks what only tests import.
	support bool
}

// below stands for every package of a lower level.
const below = "below"

// table is the one of the architecture document: who may import whom.
var table = []row{
	{level: 0, pattern: "internal/secret"},
	{level: 0, pattern: "internal/call", may: []string{"internal/plaintext"}},
	{level: 0, pattern: "internal/loosejson", may: []string{"internal/plaintext"}},
	{level: 0, pattern: "internal/phone"},
	{level: 0, pattern: "internal/charset"},
	{level: 0, pattern: "internal/plainjson"},
	{level: 0, pattern: "internal/plaintext"},
	{level: 0, pattern: "internal/wait"},
	{level: 0, pattern: "internal/share"},
	{level: 0, pattern: "internal/tally"},
	{level: 0, pattern: "internal/problem", may: []string{"internal/plainjson", "internal/plaintext"}},
	{level: 0, pattern: "internal/interrupt"},
	{level: 0, pattern: "internal/moment"},
	{level: 0, pattern: "internal/listen", may: []string{"internal/wait"}},
	{level: 0, pattern: "internal/spelling"},
	{level: 0, pattern: "internal/house"},
	// Stand-ins know nothing of ours that what they are held against is made of.
	{level: 0, pattern: "internal/crmstand/wire", may: []string{"internal/plainjson"}},
	{level: 0, pattern: "internal/crmstand/*", may: []string{"internal/crmstand/wire", "internal/plainjson"}},

	{level: 1, pattern: "adapter/*", may: []string{"internal/call", "internal/loosejson", "internal/phone"}},
	{level: 1, pattern: "internal/expr", may: []string{"internal/call", "internal/plainjson", "internal/plaintext", "internal/spelling"}},
	{level: 1, pattern: "internal/spool", may: []string{"internal/call"}},
	{level: 1, pattern: "internal/spool/dbfile", may: []string{"internal/call", "internal/spool"}},
	{level: 2, pattern: "internal/spool/sqlite", may: []string{"internal/call", "internal/plainjson", "internal/share", "internal/spool", "internal/spool/dbfile", "internal/wait"}},
	{level: 2, pattern: "internal/spool/repair", may: []string{"internal/call", "internal/plainjson", "internal/spool", "internal/spool/dbfile"}},
	{level: 1, pattern: "internal/outbound", may: []string{"internal/plaintext", "internal/secret"}},
	{level: 1, pattern: "internal/tracing", may: []string{"internal/plaintext", "internal/secret"}},
	{level: 1, pattern: "sinks/contract", may: []string{"internal/call", "internal/outbound"}},

	{level: 1, pattern: "internal/adaptertest", may: []string{"internal/call"}, support: true},
	{level: 2, pattern: "internal/spool/spooltest", may: []string{"internal/call", "internal/spool"}, support: true},
	{level: 2, pattern: "sinks/contracttest", may: []string{
		"internal/call", "internal/outbound", "internal/secret", "sinks/contract",
	}, support: true},

	{level: 2, pattern: "adapter", may: []string{"adapter/*", "internal/call"}},
	{level: 2, pattern: "internal/route", may: []string{"internal/call", "internal/expr"}},
	{level: 2, pattern: "sinks/presets", may: []string{"internal/spelling"}},
	{level: 2, pattern: "sinks/*", may: []string{
		"internal/call", "internal/expr", "internal/outbound", "internal/plainjson", "internal/plaintext", "internal/secret", "sinks/contract",
	}},

	{level: 3, pattern: "sinks", may: []string{"sinks/*"}},
	{level: 3, pattern: "internal/intake", may: []string{
		"internal/call", "internal/charset", "internal/listen", "internal/moment", "internal/plaintext", "internal/problem", "internal/route", "internal/secret", "internal/spool",
		"internal/tally", "internal/tracing",
	}},
	{level: 3, pattern: "internal/delivery", may: []string{
		"internal/call", "internal/outbound", "internal/plaintext", "internal/share", "internal/spool", "internal/tally", "internal/tracing", "internal/wait",
	}},

	{level: 3, pattern: "internal/explain", may: []string{
		"internal/call", "internal/expr", "internal/outbound", "internal/route", "internal/secret", "sinks/contract",
	}},
	{level: 3, pattern: "internal/operate", may: []string{
		"internal/call", "internal/explain", "internal/moment", "internal/plaintext", "internal/spool", "internal/tally", "internal/wait",
	}},

	{level: 4, pattern: "internal/admin", may: []string{"internal/listen", "internal/operate", "internal/plainjson", "internal/problem"}},
	{level: 4, pattern: "internal/adminclient", may: []string{"internal/operate", "internal/plainjson"}},
	{level: 4, pattern: "internal/dashboard", may: []string{"internal/call", "internal/moment", "internal/operate"}},
	{level: 5, pattern: "internal/ruletest", may: []string{
		"internal/call", "internal/explain", "internal/outbound", "internal/plainjson", "internal/plaintext", "internal/secret",
	}},
	{level: 5, pattern: "internal/config", may: []string{below}},
	{level: 6, pattern: "internal/app", may: []string{below}},
	{level: 6, pattern: "internal/demo", may: []string{below, "internal/app"}},
	{level: 7, pattern: "cmd/*", may: []string{below}},
	// A module of its own; it knows the server as a binary only.
	{level: 0, pattern: "charts/tests", support: true},
	// A module of its own, too; its imports tell `go test` what the binary is made of.
	{level: 7, pattern: "internal/testbed/crash", may: []string{below}, support: true},
	{level: 7, pattern: "internal/testbed/pages", may: []string{below}, support: true},
	{level: 0, pattern: "internal/testbed/faultfs", support: true},
	{level: 1, pattern: "internal/testbed/bench/peer", support: true},
	{level: 2, pattern: "internal/testbed/bench/stock", may: []string{"internal/spool", "internal/spool/repair", "internal/spool/sqlite"}, support: true},
	{level: 7, pattern: "internal/testbed/bench", may: []string{below}, support: true},
}

// mayKnowConfig are the packages that import internal/config, tests included:
// everybody else is handed what concerns it. The tests of the page start the whole
// server.
var mayKnowConfig = []string{"internal/config", "internal/app", "internal/demo", "cmd/*", "internal/testbed/pages"}

// pure are the packages that ask no clock, disk or network: the same input gives
// the same output on every replica and at every replay.
var pure = []string{"adapter", "adapter/*", "internal/call", "internal/phone", "internal/charset", "internal/loosejson", "internal/moment", "internal/plaintext", "internal/route"}

func TestImports(t *testing.T) {
	report(t, checkImports(sources(t)))
}

func TestEveryRowHasAPackage(t *testing.T) {
	used := map[string]bool{}
	for _, s := range sources(t) {
		if r, ok := find(s.pkg()); ok {
			used[r.pattern] = true
		}
	}
	for _, r := range table {
		if !used[r.pattern] {
			t.Errorf("the import table has a row for %s, and there is no such package", r.pattern)
		}
	}
}

func TestPurePackages(t *testing.T) {
	report(t, checkPure(sources(t)))
}

// TestInTheBinary: an image from scratch has no time zones, which templates and
// sources name, and no roots of certificates, which sinks are verified against.
func TestInTheBinary(t *testing.T) {
	for _, name := range []string{"time/tzdata", "golang.org/x/crypto/x509roots/fallback"} {
		if !slices.ContainsFunc(sources(t), func(s source) bool {
			return !s.test() && strings.HasPrefix(s.pkg(), "cmd/") && slices.Contains(s.imports(), name)
		}) {
			t.Errorf("no package of cmd imports %s: the binary lacks it where the system does", name)
		}
	}
}

func TestImportsNotices(t *testing.T) {
	file := func(name, imported string) source {
		return parse(t, name, fmt.Sprintf("package p\n\nimport %q\n", imported))
	}
	expect(t, checkImports([]source{
		file("adapter/nxcc/a.go", module+"/internal/call"),
		file("adapter/nxcc/a.go", module+"/internal/spool"),
		file("internal/call/a.go", module+"/internal/outbound"),
		file("internal/call/a_test.go", module+"/internal/outbound"),
		file("internal/call/a_test.go", module+"/internal/adaptertest"),
		file("internal/outbound/a_test.go", module+"/internal/call"),
		file("internal/call/a.go", module+"/internal/adaptertest"),
		file("internal/nobody/a.go", "fmt"),
		file("internal/admin/a_test.go", module+"/internal/config"),
		file("cmd/cdrelay/a.go", module+"/internal/config"),
	}),
		"adapter/nxcc/a.go imports internal/spool: its row",
		"internal/call/a.go imports internal/outbound: its row",
		"internal/call/a_test.go imports internal/outbound, which is of a higher level",
		"internal/call/a.go imports internal/adaptertest, which is for tests",
		"internal/nobody has no row",
		"internal/admin/a_test.go imports internal/config",
	)
	expect(t, checkPure([]source{
		file("adapter/nxcc/a.go", "os"),
		file("adapter/nxcc/a_test.go", "os"),
		file("internal/spool/a.go", "os"),
		parse(t, "adapter/nxcc/b.go", "package p\n\nimport \"time\"\n\nvar now = time.Now()\n"),
	}), "adapter/nxcc/a.go imports os", "adapter/nxcc/b.go:5 calls time.Now")
}

// checkImports holds each file against the table.
func checkImports(all []source) []string {
	var complaints []string
	unknown := map[string]bool{}
	for _, s := range all {
		from, ok := find(s.pkg())
		if !ok {
			if !unknown[s.pkg()] {
				complaints = append(complaints, s.pkg()+" has no row in the import table of internal/house")
			}
			unknown[s.pkg()] = true
			continue
		}
		for _, imported := range s.imports() {
			name, ours := strings.CutPrefix(imported, module+"/")
			if !ours || name == s.pkg() {
				continue
			}
			if problem := judge(s, from, name); problem != "" {
				complaints = append(complaints, fmt.Sprintf("%s imports %s%s", s.path, name, problem))
			}
		}
	}
	return complaints
}

// judge says what is wrong with an import, or nothing.
func judge(s source, from row, name string) string {
	to, ok := find(name)
	switch {
	case !ok:
		return ", which has no row in the import table"
	case name == "internal/config" && !matches(mayKnowConfig, s.pkg()):
		return ": only app, cmd and the demo know the whole configuration"
	case s.test() && to.support:
		return ""
	case to.support && !from.support:
		return ", which is for tests only"
	case to.level > from.level:
		if !s.test() {
			return ": its row in the import table does not allow a higher level"
		}
		return ", which is of a higher level"
	case s.test() || matches(from.may, name):
		return ""
	case slices.Contains(from.may, below) && to.level < from.level:
		return ""
	default:
		return ": its row in the import table does not name it"
	}
}

// checkPure looks for clocks, disks and networks where there must be none.
func checkPure(all []source) []string {
	var complaints []string
	for _, s := range all {
		if s.test() || !matches(pure, s.pkg()) {
			continue
		}
		for _, imported := range s.imports() {
			if slices.Contains([]string{"os", "net", "net/http", "math/rand", "math/rand/v2", "crypto/rand"}, imported) {
				complaints = append(complaints, fmt.Sprintf("%s imports %s: the package is pure", s.path, imported))
			}
		}
		for _, line := range uses(s, "time", "Now", "Since", "Until", "Sleep", "After") {
			complaints = append(complaints, fmt.Sprintf("%s:%d calls time.Now or the like: the package is pure", s.path, line))
		}
	}
	return complaints
}

func find(pkg string) (row, bool) {
	i := slices.IndexFunc(table, func(r row) bool { return matches([]string{r.pattern}, pkg) })
	if i < 0 {
		return row{}, false
	}
	return table[i], true
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, name)
		return ok && err == nil
	})
}
