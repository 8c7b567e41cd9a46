// Package presets holds the sinks that ship with cdrelay as files: a description,
// parameters, what to set up first, limits, and a `webhook:` section whose
// expressions read the parameters as with.name, and in which {with: name} as a value
// replaces one. A new preset is a file beside the others and a test of its requests;
// no code knows one by its name.
//
// A Preset does not change and is safe for concurrent use.
package presets

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

//go:embed *.yaml
var files embed.FS

// Preset is one sink that ships with cdrelay.
type Preset struct {
	// Name is what `preset` says.
	Name string `yaml:"-"`
	// Title is the product's name.
	Title string `yaml:"title"`
	// Description says in one sentence what the preset does.
	Description string `yaml:"description"`
	// Parameters are what `with` may hold.
	Parameters []Parameter `yaml:"parameters"`
	// Needs are the things to set up at the vendor, in this order.
	Needs []string `yaml:"needs"`
	// Limits are what it does not do, or not often.
	Limits []string `yaml:"limits"`
	// Repeat says what a repeated delivery and a later revision do.
	Repeat string `yaml:"repeat"`
	// Crash says what a crash in the worst moment leaves.
	Crash string `yaml:"crash"`
	// Facts says what of the vendor's API was verified, and how.
	Facts string `yaml:"facts"`
	// Sink holds defaults of keys beside `webhook`, such as rate.
	Sink yaml.Node `yaml:"sink"`
	// Webhook is the section, with parameters not yet in place.
	Webhook yaml.Node `yaml:"webhook"`

	text string
}

// parsed are the files, read once.
//
//nolint:gochecknoglobals // a constant that needs computing
var parsed = sync.OnceValues(func() ([]Preset, error) { return read(files) })

// All returns the presets in the order of their names. They are files of the binary,
// so that an error is one of the program.
func All() ([]Preset, error) { return parsed() }

// Names returns the names of all presets in order.
func Names() []string {
	all, _ := All() // a test reads them
	names := make([]string, len(all))
	for i, p := range all {
		names[i] = p.Name
	}
	return names
}

// Find returns the preset of a name.
func Find(name string) (Preset, bool) {
	all, _ := All() // a test reads them
	i := slices.IndexFunc(all, func(p Preset) bool { return p.Name == name })
	if i < 0 {
		return Preset{}, false
	}
	return all[i], true
}

func read(folder fs.FS) ([]Preset, error) {
	names, err := fs.Glob(folder, "*.yaml")
	if err != nil {
		return nil, err
	}
	all := make([]Preset, 0, len(names))
	for _, file := range names {
		text, err := fs.ReadFile(folder, file)
		if err != nil {
			return nil, err
		}
		p, err := Parse(strings.TrimSuffix(file, ".yaml"), text)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// Parse reads the file of a preset.
func Parse(name string, text []byte) (Preset, error) {
	p := Preset{Name: name, text: string(text)}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&p); err != nil {
		return Preset{}, fmt.Errorf("preset %s: %w", name, err)
	}
	if p.Webhook.Kind != yaml.MappingNode {
		return Preset{}, fmt.Errorf("preset %s: there is no webhook section", name)
	}
	var wrong []error
	for i := range p.Parameters {
		if err := p.Parameters[i].complete(); err != nil {
			wrong = append(wrong, fmt.Errorf("preset %s: parameter %s: %w", name, p.Parameters[i].Name, err))
		}
	}
	return p, errors.Join(wrong...)
}

// Parameter returns the parameter of a name.
func (p Preset) Parameter(name string) (Parameter, bool) {
	i := slices.IndexFunc(p.Parameters, func(one Parameter) bool { return one.Name == name })
	if i < 0 {
		return Parameter{}, false
	}
	return p.Parameters[i], true
}

// Show returns the preset as a `webhook` section to copy and change, with the
// examples of required parameters and the defaults of all others in its `with`, and
// the keys that belong beside the section.
func (p Preset) Show() (string, error) {
	const begin = "\nwebhook:\n"
	_, section, found := strings.Cut("\n"+p.text, begin)
	if !found {
		return "", fmt.Errorf("preset %s: webhook is not a mapping in lines", p.Name)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "# The preset %s of cdrelay as a section of its own: put it under the `name` of a sink.\n", p.Name)
	out.WriteString("webhook:\n  with:\n")
	for _, one := range p.Parameters {
		text, err := inline(one.shown())
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "    %s: %s  # %s\n", one.Name, text, one.Doc)
	}
	out.WriteString(section)
	if p.Sink.Kind == yaml.MappingNode {
		beside, err := yaml.Marshal(&p.Sink)
		if err != nil {
			return "", err
		}
		out.Write(beside)
	}
	return out.String(), nil
}

// inline returns the YAML of a value in one line.
func inline(n *yaml.Node) (string, error) {
	if n.Kind == yaml.ScalarNode {
		n = &yaml.Node{Kind: n.Kind, Tag: n.Tag, Value: n.Value, Style: n.Style}
	}
	text, err := yaml.Marshal(n)
	return strings.TrimSpace(string(text)), err
}
