package dashboard

import (
	"bytes"
	"encoding/json"
	"strings"
)

// indent lays JSON out; a text that is not JSON stays as it is. Signs that Go writes as
// escapes stand as themselves: the template escapes them for the page.
func indent(text []byte) string {
	var out bytes.Buffer
	if json.Indent(&out, text, "", "  ") != nil {
		return strings.ToValidUTF8(string(text), "\ufffd")
	}
	return strings.NewReplacer(`\\`, `\\`, `\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(out.String())
}
