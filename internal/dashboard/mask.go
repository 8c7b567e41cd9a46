package dashboard

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
)

var (
	// digitRuns finds what may be a telephone number, spaced or not.
	digitRuns = regexp.MustCompile(`\+?\d(?:[ ()/-]{0,2}\d){6,}`)
	// dates are digits with dashes, too.
	dates = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}(?:[ T]\d{2})?$`)
)

// maskText masks all that may be a telephone number: rather too much than too
// little, since asking for the whole text is one click.
func maskText(s string) string {
	return digitRuns.ReplaceAllStringFunc(s, func(run string) string {
		if dates.MatchString(run) {
			return run
		}
		return call.Mask(run)
	})
}

// maskRecord masks the numbers of a record's JSON text, and leaves its id.
func maskRecord(text, id string) string {
	if id == "" {
		return maskText(text)
	}
	parts := strings.Split(text, id)
	for i := range parts {
		parts[i] = maskText(parts[i])
	}
	return strings.Join(parts, id)
}

// indent lays JSON out; what is no JSON stays as it is. Signs that Go writes as
// escapes stand as themselves: the template escapes them for the page.
func indent(text []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, text, "", "  ") != nil {
		return strings.ToValidUTF8(string(text), "\ufffd")
	}
	return strings.NewReplacer(`\\`, `\\`, `\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(out.String())
}
