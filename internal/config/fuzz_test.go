package config_test

import (
	"os"
	"testing"

	"github.com/cdrelay/cdrelay/internal/config"
)

// FuzzParse looks for panics, and for problems without a text.
func FuzzParse(f *testing.F) {
	example, err := os.ReadFile(exampleFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	for _, seed := range []string{
		minimal, "", "---\n---\n", "a: &a [*a]", "a: !b", "? [x]\n: y", "<<: {listen: 1}", "sinks: [{name: a, webhook: {body: {a: &x [1], b: *x}}}]",
		"rules: [{when: '${'}]", "listen: \"\\u0000\"", "spool: {max_bytes: 9e99TB}", "shutdown: {grace: -1s}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := config.Parse("c.yaml", text)
		if (l == nil) == (err == nil) {
			t.Fatalf("both or neither: %v %v", l, err)
		}
		if err != nil && err.Error() == "" {
			t.Fatal("an error without a text")
		}
	})
}
