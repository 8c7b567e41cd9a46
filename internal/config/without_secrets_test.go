package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/config"
)

// TestWithoutSecrets: wherever a secret may stand, one that is not there is taken for
// good, and read by Load alone.
func TestWithoutSecrets(t *testing.T) {
	all := keys(t)
	tested := 0
	for path, k := range all {
		if !strings.Contains(k.Title, "secret") || strings.Contains(path, ".env") {
			continue
		}
		tested++
		text, err := yaml.Marshal(configuration(t, all, path, map[string]any{"env": "CDRELAY_TEST_NOT_SET"}))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "c.yaml")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.LoadWithoutSecrets(file); err != nil {
			t.Errorf("%s: %v\n%s", path, err, text)
		}
		if _, err := config.Load(file); err == nil {
			t.Errorf("%s: Load does not miss it\n%s", path, text)
		}
	}
	if tested < 10 {
		t.Errorf("only %d keys are secrets", tested)
	}
}
