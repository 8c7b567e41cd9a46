package house

import (
	"strings"
	"testing"
)

// firstScreen is how many lines of the README a visitor sees at once.
const firstScreen = 40

func TestReadme(t *testing.T) {
	report(t, checkReadme(read(t, "README.md")))
}

func TestReadmeNotices(t *testing.T) {
	good := "# x\n```sh\nmake run # the demo\nmake test\n```\n"
	expect(t, checkReadme(good))
	expect(t, checkReadme(strings.Repeat("\n", firstScreen)+good), "make run", "make test")
}

// checkReadme wants the two commands on the first screen.
func checkReadme(text string) []string {
	var complaints []string
	lines := strings.SplitN(text, "\n", firstScreen+1)
	screen := strings.Join(lines[:min(len(lines), firstScreen)], "\n")
	for _, command := range []string{"make run", "make test"} {
		if !strings.Contains(screen, command) {
			complaints = append(complaints, "the first screen of README.md does not show "+command)
		}
	}
	return complaints
}
