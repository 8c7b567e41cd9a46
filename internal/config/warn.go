package config

import (
	"fmt"
	"slices"

	"github.com/cdrelay/cdrelay/adapter"
)

// warn notes what works but is probably not meant.
func (c Config) warn(report reporter) {
	if c.Admin.Settings().Exposed() {
		report("admin.listen", "the private listener is open to other machines and has no admin.token: its API and page answer 403")
	}
	for i, s := range c.Sources {
		if s.Auth.Open {
			report(fmt.Sprintf("sources[%d].auth.open", i), "whoever finds the path can post calls")
		}
		if f, ok := adapter.Lookup(s.Format); ok && f.NeedsRegion && s.Region == "" {
			report(fmt.Sprintf("sources[%d]", i), "without a region its numbers, which come in national form, get no E.164 form")
		}
	}
	if len(c.Sources) == 0 {
		report("sources", "there is no source: nothing can be received")
	}
	c.warnUnused(report)
	c.warnUnreached(report)
}

// warnUnreached notes the rules behind one that ends every reading.
func (c Config) warnUnreached(report reporter) {
	for i, r := range c.Rules {
		if r.Stop && r.When.IsZero() && i+1 < len(c.Rules) {
			report(fmt.Sprintf("rules[%d]", i+1), fmt.Sprintf("is never reached: rules[%d] has no condition, and stops", i))
			return
		}
	}
}

// warnUnused notes sinks that no rule names.
func (c Config) warnUnused(report reporter) {
	for i, s := range c.Sinks {
		used := false
		for _, r := range c.Rules {
			used = used || slices.Contains(r.To, s.Name)
		}
		if !used {
			report(fmt.Sprintf("sinks[%d]", i), fmt.Sprintf("no rule sends anything to %s", s.Name))
		}
	}
}
