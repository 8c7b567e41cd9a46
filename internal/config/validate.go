package config

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"time"

	"github.com/cdrelay/cdrelay/adapter"
	"github.com/cdrelay/cdrelay/internal/intake"
	"github.com/cdrelay/cdrelay/internal/moment"
	"github.com/cdrelay/cdrelay/internal/phone"
	"github.com/cdrelay/cdrelay/internal/route"
)

var namePattern = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)

func notAName(name string) string {
	return fmt.Sprintf("%q is not a name: write 1 to 63 of the characters a-z, 0-9 and -", name)
}

// reporter notes a problem at a path.
type reporter func(path, text string)

// under returns a reporter whose paths lie below a prefix.
func (r reporter) under(prefix string) func(path, text string) {
	return func(path, text string) {
		switch {
		case path == "":
			r(prefix, text)
		case prefix == "" || path[0] == '[':
			r(prefix+path, text)
		default:
			r(prefix+"."+path, text)
		}
	}
}

// validate asks every part, then checks what concerns several.
func (c Config) validate(report reporter) {
	c.Validate(report) // the embedded public listener
	if _, err := moment.Zone(c.Timezone); err != nil {
		report("timezone", err.Error())
	}
	c.Admin.Settings().Validate(report.under("admin"))
	if sameAddress(c.Listen, c.Admin.Listen) {
		report("admin.listen", fmt.Sprintf("%s is taken by listen (%s): give it a port of its own", c.Admin.Listen, c.Listen))
	}
	c.Spool.Validate(report.under("spool"))
	c.Shutdown.validate(report.under("shutdown"))
	c.Log.validate(report.under("log"))
	c.Tracing.Validate(report.under("tracing"))
	intake.ValidateSources(c.Sources, adapter.Formats(), report.under("sources"))
	for i, s := range c.Sources {
		if len(s.Region) == 2 && !phone.KnownRegion(s.Region) { // other lengths are reported already
			report(fmt.Sprintf("sources[%d].region", i), fmt.Sprintf("%q is not a country that has telephone numbers: write a code of ISO 3166 such as ID", s.Region))
		}
	}
	seen := map[string]int{}
	for i, s := range c.Sinks {
		at := fmt.Sprintf("sinks[%d]", i)
		s.validate(report.under(at))
		if first, twice := seen[s.Name]; twice && s.Name != "" {
			report(at+".name", fmt.Sprintf("the name %s stands at sinks[%d] already: write another one", s.Name, first))
		}
		seen[s.Name] = i
	}
	route.Validate(c.Rules, c.SinkNames(), report.under("rules"))
}

// sameAddress reports whether of two listeners the second could not start. Names of
// hosts are not looked up.
func sameAddress(a, b string) bool {
	hostA, portA, errA := net.SplitHostPort(a)
	hostB, portB, errB := net.SplitHostPort(b)
	if errA != nil || errB != nil || portA != portB || portA == "0" {
		return false
	}
	return hostA == hostB || anyHost(hostA) || anyHost(hostB)
}

func anyHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "" || err == nil && ip.IsUnspecified()
}

func (s Sink) validate(report func(path, text string)) {
	if !namePattern.MatchString(s.Name) {
		report("name", notAName(s.Name))
	}
	s.Config.Validate(report)
	s.Settings.Validate(report)
	if s.MaxRequest < minMaxRequest || s.MaxRequest > maxMaxRequest {
		report("max_request", fmt.Sprintf("%s is out of bounds: write a size from 1KiB to 64MiB", s.MaxRequest))
	}
	if s.Settle < 0 || s.Settle > maxSettle {
		report("settle", fmt.Sprintf("%s is out of range: write 0s to 24h", s.Settle))
	}
	s.Lane.Validate(report)
}

// maxSettle bounds how long a sink waits for newer revisions.
const maxSettle = 24 * time.Hour

func (s Shutdown) validate(report func(path, text string)) {
	if s.Delay < 0 {
		report("delay", fmt.Sprintf("%s is negative: write 0s or more", s.Delay))
	}
	if s.Grace != nil && *s.Grace <= 0 {
		report("grace", fmt.Sprintf("%s is out of range: write a duration above 0, like 25s", *s.Grace))
	}
}

func (l Log) validate(report func(path, text string)) {
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, l.Level) {
		report("level", fmt.Sprintf("%q is not a level: write debug, info, warn, error", l.Level))
	}
	if !slices.Contains([]string{"json", "text"}, l.Format) {
		report("format", fmt.Sprintf("%q is not a format: write json or text", l.Format))
	}
}
