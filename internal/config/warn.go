package config

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/adapter"
)

// warn notes what works but is probably not meant.
func (c Config) warn(report reporter) {
	if c.Admin.Settings().Exposed() {
		report("admin.listen", "the private listener is open to other machines and has no admin.token: its API and page answer 403")
	}
	c.warnToken(report)
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
	for i, s := range c.Sinks {
		s.Warn(report.under(fmt.Sprintf("sinks[%d]", i)))
	}
	c.warnUnused(report)
	c.warnUnreached(report)
}

// minToken is how long a token should be, in characters: shorter ones are guessed.
const minToken = 16

// warnToken notes a token that does not protect what it should.
func (c Config) warnToken(report reporter) {
	token := c.Admin.Token.Reveal()
	if token == "" {
		return
	}
	if utf8.RuneCountInString(token) < minToken {
		report("admin.token", fmt.Sprintf("is shorter than %d characters and can be guessed: `openssl rand -hex 24` writes a good one", minToken))
	}
	if c.Admin.Settings().BeyondLoopback() {
		report("admin.listen", "the token crosses the network over plain HTTP: bind to loopback, or put a proxy with TLS before it")
	}
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
