package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/adapter"
	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/intake"
)

// checkNames reports expressions of rules and sinks that compare call.source or
// call.format with a name that no call can have.
func (t *tree) checkNames(c Config, report reporter) {
	sources := make([]string, len(c.Sources))
	for i, s := range c.Sources {
		sources[i] = s.Name
	}
	known := map[string][]string{"call.source": sources, "call.format": adapter.Names()}
	tables := slices.Sorted(maps.Keys(c.Tables))
	t.eachComparison(func(path string, one expr.Comparison) {
		if one.Field == expr.TableField && one.Text != "" && one.Text != expr.SecretTable && !slices.Contains(tables, one.Text) {
			report(path, unknownTable(one.Text, tables))
		}
		if names, ok := known[one.Field]; ok && !one.Possible(names) {
			report(path, expr.NeverHas(one, names))
		}
	})
}

// warnFormats notes comparisons of call.format with a format that no configured
// source has: it may have one tomorrow.
func (t *tree) warnFormats(c Config, report reporter) {
	t.eachComparison(func(path string, one expr.Comparison) {
		if one.Field == "call.format" && one.By == "" && !slices.ContainsFunc(c.Sources, func(s intake.SourceConfig) bool { return s.Format == one.Text }) {
			report(path, fmt.Sprintf("no source has the format %s: the comparison never holds", one.Text))
		}
	})
}

// eachComparison calls found for each comparison of such a field in the
// expressions of rules and sinks.
func (t *tree) eachComparison(found func(path string, one expr.Comparison)) {
	for _, part := range []string{"rules", "sinks"} {
		if n, _ := step(t.root, part); n != nil {
			eachText(n, part, func(path, text string) {
				for _, one := range expr.Comparisons(text) {
					found(path, one)
				}
			})
		}
	}
}

// eachText calls found for each text below a node that names such a field.
func eachText(n *yaml.Node, path string, found func(path, text string)) {
	n = unaliased(n)
	switch n.Kind {
	case yaml.MappingNode:
		for key, value := range pairs(n) {
			eachText(value, join(path, key.Value), found)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			eachText(item, fmt.Sprintf("%s[%d]", path, i), found)
		}
	case yaml.ScalarNode:
		if strings.Contains(n.Value, "call.source") || strings.Contains(n.Value, "call.format") || strings.Contains(n.Value, "table(") {
			found(path, n.Value)
		}
	case yaml.DocumentNode, yaml.AliasNode:
	}
}
