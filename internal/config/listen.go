package config

import (
	"fmt"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/admin"
)

// AdminListen reads where the server of a configuration file has its private
// listener. It reads nothing else: commands that talk to that server need none of its
// secrets, and work while the file has other faults.
func AdminListen(path string) (string, error) {
	text, err := read(path)
	if err != nil {
		return "", err
	}
	var c struct {
		Admin struct {
			Listen string `yaml:"listen"`
		} `yaml:"admin"`
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		return "", fmt.Errorf("admin.listen of %s: %w", path, err)
	}
	return admin.Config{Listen: c.Admin.Listen}.WithDefaults().Listen, nil
}
