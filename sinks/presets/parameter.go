package presets

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/spelling"
)

// Parameter is one thing that a preset wants to be told.
type Parameter struct {
	Name string `yaml:"name"`
	// Doc says what it is, in one sentence.
	Doc string `yaml:"doc"`
	// Type is text, number, boolean, list or map; text where it is empty.
	Type string `yaml:"type"`
	// Secret values are masked, and so is what expressions make of them. They are texts
	// without a default.
	Secret bool `yaml:"secret"`
	// Required ones have no default.
	Required bool `yaml:"required"`
	// Values are the only ones that a text may have, where there are any.
	Values []string `yaml:"values"`
	// Default holds where nothing is given; without one, what is empty of the type.
	Default yaml.Node `yaml:"default"`
	// Example is shown where there is no default.
	Example yaml.Node `yaml:"example"`
}

// kind is one type of parameters.
type kind struct {
	// empty is what holds where a parameter is neither given nor has a default.
	empty yaml.Node
	// fits reports whether a value is of the type.
	fits func(n *yaml.Node) bool
	// words say what is expected.
	words string
}

// kinds are the types by their names.
func kinds() map[string]kind {
	scalar := func(tags ...string) func(*yaml.Node) bool {
		return func(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && slices.Contains(tags, n.ShortTag()) }
	}
	text := scalar("!!str", "!!int", "!!float")
	all := func(kind yaml.Kind) func(*yaml.Node) bool {
		return func(n *yaml.Node) bool {
			return n.Kind == kind && !IsReference(n) && !slices.ContainsFunc(n.Content, func(one *yaml.Node) bool { return !text(one) })
		}
	}
	return map[string]kind{
		"text":    {yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle}, text, "a text"},
		"number":  {yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: "0"}, scalar("!!int", "!!float"), "a number"},
		"boolean": {yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "false"}, scalar("!!bool"), "true or false"},
		"list":    {yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}, all(yaml.SequenceNode), "a list of texts"},
		"map":     {yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Style: yaml.FlowStyle}, all(yaml.MappingNode), "a mapping of texts"},
		"secret": {
			yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle},
			func(n *yaml.Node) bool { return IsReference(n) || text(n) },
			"a secret: {env: NAME}, {file: PATH} or a text",
		},
	}
}

// IsReference reports whether a value is {env: NAME} or {file: PATH}.
func IsReference(n *yaml.Node) bool {
	return n.Kind == yaml.MappingNode && len(n.Content) == 2 && (n.Content[0].Value == "env" || n.Content[0].Value == "file")
}

func (p Parameter) kind() kind {
	if p.Secret {
		return kinds()["secret"]
	}
	return kinds()[p.Type]
}

// complete fills in type and default, and says what is wrong with the declaration.
func (p *Parameter) complete() error {
	if p.Type == "" {
		p.Type = "text"
	}
	k, known := kinds()[p.Type]
	switch {
	case !known:
		return fmt.Errorf("there is no type %q", p.Type)
	case p.Name == "" || !strings.HasSuffix(p.Doc, "."):
		return errors.New("it needs a name, and a sentence that says what it is")
	case p.Secret && (p.Type != "text" || !p.Default.IsZero()):
		return errors.New("a secret is a text without a default")
	case p.Required == !p.Default.IsZero():
		if p.Required {
			return errors.New("what is required has no default")
		}
		p.Default = k.empty
	}
	if p.Required && p.Example.IsZero() {
		return errors.New("what is required has an example")
	}
	if problem := p.check(p.shown()); problem != "" {
		return errors.New(problem)
	}
	return nil
}

// shown is the value that an example configuration has.
func (p Parameter) shown() *yaml.Node {
	if p.Required {
		return &p.Example
	}
	return &p.Default
}

// check says what is wrong with a value; "" for nothing.
func (p Parameter) check(n *yaml.Node) string {
	switch k := p.kind(); {
	case !k.fits(n):
		return fmt.Sprintf("%s is written where %s is expected: %s", written(n), k.words, p.Doc)
	case HoldsTemplate(n):
		return "holds a ${…}: a parameter is taken as it is written, no expression in it is evaluated"
	case len(p.Values) > 0 && !slices.Contains(p.Values, n.Value):
		text := fmt.Sprintf("%q is not a value of %s: write %s", n.Value, p.Name, strings.Join(p.Values, ", "))
		if near, ok := spelling.Nearest(n.Value, p.Values); ok {
			text += fmt.Sprintf(" (did you mean %q?)", near)
		}
		return text
	case p.Required && n.Kind == yaml.ScalarNode && n.Value == "":
		return p.Name + " is empty: " + p.Doc
	}
	return ""
}

// written says what a value is.
func written(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.ScalarNode, yaml.DocumentNode, yaml.AliasNode:
	}
	return strconv.Quote(n.Value)
}

// HoldsTemplate reports whether a text in a value looks like a template.
func HoldsTemplate(n *yaml.Node) bool {
	return strings.Contains(n.Value, "${") || slices.ContainsFunc(n.Content, HoldsTemplate)
}

// Complete returns a whole `with`: what is given, and the defaults of all else. It
// reports unknown, missing and wrong parameters by paths such as "with.token"; given
// may be nil.
func (p Preset) Complete(given *yaml.Node, report func(path, problem string)) *yaml.Node {
	if given != nil && given.Kind != yaml.MappingNode {
		report("with", "is not a mapping: write the parameters of the preset below it")
		return nil
	}
	values, ok := p.given(given, report)
	whole := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	for _, one := range p.Parameters {
		value, there := values[one.Name]
		switch {
		case !there && one.Required:
			report("with", fmt.Sprintf("%s is missing: %s", one.Name, one.Doc))
			ok = false
			continue
		case !there:
			value = &one.Default
		default:
			if problem := one.check(value); problem != "" {
				report("with."+one.Name, problem)
				ok = false
				continue
			}
			value = one.typed(value)
		}
		whole.Content = append(whole.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: one.Name, Line: value.Line}, value)
	}
	if !ok {
		return nil
	}
	return whole
}

// given returns the values by their names, and whether all names are known.
func (p Preset) given(with *yaml.Node, report func(path, problem string)) (values map[string]*yaml.Node, ok bool) {
	values = map[string]*yaml.Node{}
	if with == nil {
		return values, true
	}
	names := make([]string, len(p.Parameters))
	for i, one := range p.Parameters {
		names[i] = one.Name
	}
	ok = true
	for i := 0; i+1 < len(with.Content); i += 2 {
		name := with.Content[i].Value
		if !slices.Contains(names, name) {
			report("with."+name, p.unknown(name, names))
			ok = false
		}
		values[name] = with.Content[i+1]
		if with.Content[i+1].Kind == yaml.AliasNode {
			values[name] = with.Content[i+1].Alias
		}
	}
	return values, ok
}

func (p Preset) unknown(name string, names []string) string {
	text := fmt.Sprintf("the preset %s has no parameter %q: ", p.Name, name)
	if near, ok := spelling.Nearest(name, names); ok {
		return text + fmt.Sprintf("did you mean %q?", near)
	}
	return text + "it has " + strings.Join(names, ", ")
}

// typed returns a value in the parameter's type: a text that YAML reads as a number
// stays a text.
func (p Parameter) typed(n *yaml.Node) *yaml.Node {
	if p.Type == "number" || p.Type == "boolean" || p.Secret {
		return n
	}
	copied := *n
	if copied.Kind == yaml.ScalarNode {
		copied.Tag, copied.Style = "!!str", yaml.DoubleQuotedStyle
		return &copied
	}
	copied.Content = make([]*yaml.Node, len(n.Content))
	for i, one := range n.Content {
		copied.Content[i] = Parameter{Type: "text"}.typed(one)
	}
	return &copied
}
