package expr

import (
	"errors"
	"fmt"

	"gopkg.in/yaml.v3"
)

// UnmarshalYAML compiles a condition; its errors carry their lines.
func (c *Condition) UnmarshalYAML(n *yaml.Node) (err error) {
	*c, err = fromScalar(n, CompileCondition)
	return err
}

// UnmarshalYAML compiles a condition; its errors carry their lines.
func (c *ResponseCondition) UnmarshalYAML(n *yaml.Node) (err error) {
	*c, err = fromScalar(n, CompileResponse)
	return err
}

// UnmarshalYAML compiles the expression; its errors carry their lines.
func (w *ResponseWait) UnmarshalYAML(n *yaml.Node) (err error) {
	*w, err = fromScalar(n, compileResponseWait)
	return err
}

// UnmarshalYAML compiles the expression; its errors carry their lines.
func (r *ResponseResult) UnmarshalYAML(n *yaml.Node) (err error) {
	*r, err = fromScalar(n, compileResponseResult)
	return err
}

// UnmarshalYAML compiles a condition; its errors carry their lines.
func (g *Guard) UnmarshalYAML(n *yaml.Node) (err error) {
	*g, err = fromScalar(n, compileGuard)
	return err
}

// UnmarshalYAML compiles a text; its errors carry their lines.
func (t *Text) UnmarshalYAML(n *yaml.Node) (err error) {
	*t, err = fromScalar(n, ParseText)
	return err
}

// UnmarshalYAML compiles a tree; its errors carry their lines.
func (t *Tree) UnmarshalYAML(n *yaml.Node) (err error) {
	*t, err = parseTree(n)
	return err
}

// fromScalar compiles the text of a scalar.
func fromScalar[T any](n *yaml.Node, compile func(src string) (T, error)) (compiled T, err error) {
	src, err := scalarSource(n)
	if err != nil {
		return compiled, err
	}
	if compiled, err = compile(src); err != nil {
		return compiled, &yaml.TypeError{Errors: atLines(n, err)}
	}
	return compiled, nil
}

// scalarSource gives the text of a scalar as it was written, and refuses what
// YAML would read otherwise than whoever wrote it: when: !call.answered is a
// tag with an empty value.
func scalarSource(n *yaml.Node) (string, error) {
	for i := 0; n.Kind == yaml.AliasNode && n.Alias != nil && i < maxTreeDepth; i++ {
		n = n.Alias
	}
	switch {
	case n.Style&yaml.TaggedStyle != 0:
		return "", lineError(n, fmt.Sprintf("%s is read as a YAML tag: quote it, as in \"%s\"", n.Tag, n.Tag))
	case n.Kind != yaml.ScalarNode:
		return "", lineError(n, "must be a text: quote it if it begins with { or [")
	case n.ShortTag() == "!!null":
		return "", lineError(n, "the value is empty: write it, or remove the key; quote it if it is a text")
	}
	return n.Value, nil
}

func lineError(n *yaml.Node, text string) error {
	return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %s", n.Line, text)}}
}

// atLines gives each fault with its line in the file. Within a literal block
// the lines of the text are lines of the file, beginning one below its |; where
// YAML folds lines, the text's first line stands for all.
func atLines(n *yaml.Node, err error) []string {
	var all faults
	if !errors.As(err, &all) {
		return []string{fmt.Sprintf("line %d: %v", n.Line, err)}
	}
	texts := make([]string, len(all))
	for i, f := range all {
		line := n.Line
		if n.Style&yaml.LiteralStyle != 0 && f.line > 0 {
			line, f.line = n.Line+f.line, 1
		}
		texts[i] = fmt.Sprintf("line %d: %v", line, f)
	}
	return texts
}
