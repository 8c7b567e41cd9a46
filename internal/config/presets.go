package config

import (
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/internal/spelling"
	"github.com/cdrelay/cdrelay/sinks/presets"
)

// expand puts the webhook section of a preset in the place of each sink that names
// one, and parameters in the place of with.name and {with: name} in every section that
// has a `with`. What it reports is in the file; of what it puts in place every line is
// that of the key `preset`.
func (t *tree) expand(report reporter) {
	sinks, _ := step(t.root, "sinks")
	if sinks == nil || unaliased(sinks).Kind != yaml.SequenceNode {
		return
	}
	for i, n := range unaliased(sinks).Content {
		path := fmt.Sprintf("sinks[%d]", i)
		sink := clone(unaliased(n))
		if sink.Kind != yaml.MappingNode {
			continue
		}
		if at, line := step(sink, "preset"); at != nil {
			t.presets = append(t.presets, path)
			for _, value := range pairs(expandPreset(sink, at.Value, line, report.under(path))) {
				t.parameters[line] = append(t.parameters[line], value.Line)
			}
		} else if with, _ := step(sink, "with"); with != nil {
			report(path+".with", "holds the parameters of a preset, and the sink has none: write preset beside it, or put it into webhook")
		}
		webhook, _ := step(sink, "webhook")
		if webhook == nil || webhook.Kind != yaml.MappingNode {
			continue
		}
		with, _ := step(webhook, withKey)
		let, _ := step(webhook, letKey)
		if with != nil || let != nil {
			name, _ := step(sink, "preset")
			t.held[i] = bindSection(webhook, path+".webhook", secretsOf(name), report)
			unaliased(sinks).Content[i] = sink
			t.expanded = true
		}
	}
}

// secretsOf returns the names of the secret parameters of a preset; nil for none.
func secretsOf(name *yaml.Node) (names []string) {
	if name == nil {
		return nil
	}
	preset, _ := presets.Find(name.Value)
	for _, one := range preset.Parameters {
		if one.Secret {
			names = append(names, one.Name)
		}
	}
	return names
}

// hold puts into each section the secrets that its expressions read.
func (t *tree) hold(c *Config, p *Problems) {
	for i, held := range t.held {
		if i >= len(c.Sinks) || c.Sinks[i].Webhook == nil {
			continue
		}
		c.Sinks[i].Webhook.Held = map[string]secret.Value{}
		for name, node := range held {
			var value secret.Value
			p.addDecoding(node.Decode(&value))
			c.Sinks[i].Webhook.Held[name] = value
		}
	}
}

// written returns the path that is written in the file for a path: the name of a preset for
// all of its section.
func (t *tree) written(path string) string {
	for _, sink := range t.presets {
		if strings.HasPrefix(path, sink+".webhook") {
			return sink + ".preset"
		}
	}
	return path
}

// expandPreset adds the section of a preset to a sink and returns its parameters; nil
// where something is wrong with them.
func expandPreset(sink *yaml.Node, name string, line int, report reporter) *yaml.Node {
	for _, rival := range []string{"webhook", "slack"} {
		if n, _ := step(sink, rival); n != nil {
			report("preset", "is a kind of sink, and "+rival+" is another: make two sinks of them")
			return nil
		}
	}
	preset, known := presets.Find(name)
	if !known {
		report("preset", unknownPreset(name))
		return nil
	}
	given, _ := step(sink, "with")
	if given != nil {
		given = unaliased(given)
	}
	whole := preset.Complete(given, report)
	if whole == nil {
		return nil
	}
	webhook := clone(&preset.Webhook)
	webhook.Content = append([]*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: "with"}, clone(whole)}, webhook.Content...)
	beside := clone(&preset.Sink)
	setLines(webhook, line)
	setLines(beside, line)
	keepLines(webhook.Content[1], whole)
	sink.Content = append(sink.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: "webhook", Line: line}, webhook)
	for i := 0; i+1 < len(beside.Content); i += 2 {
		if written, _ := step(sink, beside.Content[i].Value); written == nil {
			sink.Content = append(sink.Content, beside.Content[i], beside.Content[i+1])
		}
	}
	return whole
}

func unknownPreset(name string) string {
	text := fmt.Sprintf("there is no preset %q: ", name)
	if near, ok := spelling.Nearest(name, presets.Names()); ok {
		return text + fmt.Sprintf("did you mean %q?", near)
	}
	return text + "there are " + strings.Join(presets.Names(), ", ")
}

// clone copies a node with all below it; an alias becomes a copy of its anchor.
func clone(n *yaml.Node) *yaml.Node {
	copied := *unaliased(n)
	copied.Anchor = ""
	copied.Content = make([]*yaml.Node, len(copied.Content))
	for i, child := range unaliased(n).Content {
		copied.Content[i] = clone(child)
	}
	return &copied
}

// setLines sets the line of a node and of all below it.
func setLines(n *yaml.Node, line int) {
	n.Line, n.Column = line, 0
	for _, child := range n.Content {
		setLines(child, line)
	}
}

// keepLines sets in the copy of a node the lines of the file, where it is from there.
func keepLines(copied, written *yaml.Node) {
	if written.Line > 0 {
		copied.Line, copied.Column = written.Line, written.Column
	}
	for i, child := range written.Content {
		keepLines(copied.Content[i], child)
	}
}
