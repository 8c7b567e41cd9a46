package spool

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// Config is the `spool:` part of the configuration.
type Config struct {
	Path                string        `yaml:"path" restart:"true" example:"/data/cdrelay.db" doc:"The file. Its folder is made if it is missing. Network file systems, memory, URIs and files of other programs are refused."`
	Retention           time.Duration `yaml:"retention" example:"720h" doc:"How long a call stays searchable and can be sent again after its last delivery has ended; duplicates are known as long. At least 1m."`
	DeadLetterRetention time.Duration `yaml:"dead_letter_retention" example:"2160h" doc:"How long a dead letter stays; at least 1m."`
	MaxBytes            Bytes         `yaml:"max_bytes" example:"20GiB" doc:"Bound of the pages in use and the WAL; the room on the disk, where that is less. Delivered history goes first, then callbacks get 503; those of one source when what waits of it takes three quarters. A number of bytes, or kB, MB, GB, TB, KiB, MiB, GiB, TiB; at least 1MiB."`
}

// The defaults of Config.
const (
	DefaultPath                = "data/cdrelay.db"
	defaultRetention           = 168 * time.Hour
	defaultDeadLetterRetention = 720 * time.Hour
	defaultMaxBytes            = Bytes(4 << 30)
)

// minMaxBytes leaves room for the schema and a small WAL.
const minMaxBytes = 1 << 20

// WithDefaults fills what was not set.
func (c Config) WithDefaults() Config {
	c.Path = cmp.Or(c.Path, DefaultPath)
	c.Retention = cmp.Or(c.Retention, defaultRetention)
	c.DeadLetterRetention = cmp.Or(c.DeadLetterRetention, defaultDeadLetterRetention)
	c.MaxBytes = cmp.Or(c.MaxBytes, defaultMaxBytes)
	return c
}

// Validate reports what cannot work, by the YAML path of the key.
func (c Config) Validate(report func(path, problem string)) {
	if c.Path != "" { // else the default
		if problem := PathProblem(c.Path); problem != "" {
			report("path", fmt.Sprintf("%q %s", c.Path, problem))
		}
	}
	if c.Retention < 0 || c.Retention > 0 && c.Retention < time.Minute {
		report("retention", fmt.Sprintf("%s is too short: write 1m or more", c.Retention))
	}
	if c.DeadLetterRetention < 0 || c.DeadLetterRetention > 0 && c.DeadLetterRetention < time.Minute {
		report("dead_letter_retention", fmt.Sprintf("%s is too short: write 1m or more", c.DeadLetterRetention))
	}
	if c.MaxBytes != 0 && c.MaxBytes < minMaxBytes {
		report("max_bytes", fmt.Sprintf("%s is too small: write 1MiB or more", c.MaxBytes))
	}
}

// Bytes is a size; in YAML a number of bytes or a text such as 512MiB or 4GB.
type Bytes int64

// UnmarshalYAML reads the size.
func (b *Bytes) UnmarshalYAML(n *yaml.Node) error {
	v, err := parseBytes(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %q is no size: write a number of bytes, or one with kB, MB, GB, TB, KiB, MiB, GiB or TiB", n.Line, n.Value)}}
	}
	*b = v
	return nil
}

// String returns the size in the largest binary unit that fits it whole.
func (b Bytes) String() string {
	units := []string{"TiB", "GiB", "MiB", "KiB"}
	for i, u := range units {
		if size := Bytes(1) << (10 * (len(units) - i)); b >= size && b%size == 0 {
			return strconv.FormatInt(int64(b/size), 10) + u
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// MarshalYAML writes the size as String does.
func (b Bytes) MarshalYAML() (any, error) { return b.String(), nil }

func parseBytes(text string) (Bytes, error) {
	digits := strings.TrimRight(text, "kKMGTiB ")
	unit := strings.TrimSpace(text[len(digits):])
	factor, ok := map[string]float64{
		"": 1, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
		"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
	}[unit]
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil || !ok || !(v >= 0) || v*factor > 1<<60 {
		return 0, fmt.Errorf("no size: %q", text)
	}
	return Bytes(v * factor), nil
}
