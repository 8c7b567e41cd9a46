package webhook

import "gopkg.in/yaml.v3"

// With stands for the parameters of a section. Whoever reads the file puts them in
// place, in expressions and as values, so that nothing is left to keep here: some are
// secrets.
type With struct{}

// UnmarshalYAML keeps nothing.
func (*With) UnmarshalYAML(*yaml.Node) error { return nil }

// Let stands for the named expressions of a section, which are put in place likewise.
type Let struct{}

// UnmarshalYAML keeps nothing.
func (*Let) UnmarshalYAML(*yaml.Node) error { return nil }
