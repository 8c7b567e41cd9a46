package route

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/expr"
)

// Rule is a condition on the call record and the sinks that get it.
type Rule struct {
	Name string         `yaml:"name" default:"its place, such as rule 3" example:"all calls to the CRM" doc:"Stands in metrics, logs and explanations; unique."`
	When expr.Condition `yaml:"when" default:"always" example:"call.direction == \"inbound\" && !call.answered" doc:"The condition, in CEL over call. Put quotes around one that begins with an exclamation mark."`
	To   []string       `yaml:"to" example:"[crm]" doc:"The sinks that the rule adds. A rule needs this, or stop."`
	Stop bool           `yaml:"stop" example:"true" doc:"Whether the reading of the rules ends when this one matches."`
}

// Names gives the name of each rule, "rule N" counted from 1 for one without.
func Names(rules []Rule) []string {
	names := make([]string, len(rules))
	for i, r := range rules {
		names[i] = r.Name
		if r.Name == "" {
			names[i] = fmt.Sprintf("rule %d", i+1)
		}
	}
	return names
}

// Validate reports what is wrong with the rules, given the names of the
// configured sinks. Paths are like [2].to[0].
func Validate(rules []Rule, sinks []string, report func(path, problem string)) {
	first := map[string]int{}
	names := Names(rules)
	for i, rule := range rules {
		name := names[i]
		if before, twice := first[name]; twice {
			report(fmt.Sprintf("[%d].name", i),
				fmt.Sprintf("the name %q is that of rule %d too: give each rule its own", name, before+1))
		} else {
			first[name] = i
		}
		validateTarget(rule, fmt.Sprintf("[%d]", i), sinks, report)
	}
}

// validateTarget checks what a rule does when it matches.
func validateTarget(r Rule, path string, sinks []string, report func(path, problem string)) {
	if len(r.To) == 0 && !r.Stop {
		report(path, "the rule does nothing: name sinks in `to`, or write `stop: true`")
	}
	for i, sink := range r.To {
		at := fmt.Sprintf("%s.to[%d]", path, i)
		switch {
		case !slices.Contains(sinks, sink):
			report(at, fmt.Sprintf("there is no sink %q: %s", sink, known(sinks)))
		case slices.Contains(r.To[:i], sink):
			report(at, fmt.Sprintf("the sink %q is named twice: remove one, a sink gets a call once", sink))
		}
	}
}

func known(sinks []string) string {
	if len(sinks) == 0 {
		return "none is configured, add one under `sinks`"
	}
	return "configured are " + strings.Join(sinks, ", ")
}
