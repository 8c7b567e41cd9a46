package webhook

import (
	"errors"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
)

// lookup returns what a table has for a key: one of the configuration, or that of the
// section's secrets.
func (s *Sink) lookup(table, key string) (value string, found bool) {
	if table == expr.SecretTable {
		held, known := s.held[key]
		return held.Reveal(), known
	}
	if s.deps.Lookup == nil {
		return "", false
	}
	return s.deps.Lookup(table, key)
}

// withoutSecrets returns an error of a template without the secrets that templates
// read: a function may say what it cannot take.
func (s *Sink) withoutSecrets(err error) error {
	if err == nil || len(s.held) == 0 {
		return err
	}
	return errors.New(outbound.Redact(err.Error(), s.transport.Secrets...))
}

// With is the place of the parameters of a section. Whoever reads the file puts them in
// place, in expressions and as values, so that nothing is left to keep here; secrets
// that expressions read are in Config.Held.
type With struct{}

// UnmarshalYAML keeps nothing.
func (*With) UnmarshalYAML(*yaml.Node) error { return nil }

// Let is the place of the named expressions of a section, which are put in place likewise.
type Let struct{}

// UnmarshalYAML keeps nothing.
func (*Let) UnmarshalYAML(*yaml.Node) error { return nil }
