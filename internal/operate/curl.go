package operate

import (
	"cmp"
	"net/url"
	"regexp"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
)

// Door is where a source takes callbacks, and how its credentials are shown there.
type Door struct {
	// URL is the address of the source.
	URL string
	// Kind is header, query, basic, bearer or digest; empty where nothing has to be
	// shown. Name is that of the header, the parameter or the user.
	Kind, Name string
	// Secret is the environment variable that the secret is read from, and Key that of
	// the access key of a digest; empty where they come from elsewhere.
	Secret, Key string
	// Example is a callback in the source's format, and Signing how one is signed in a
	// shell.
	Example string
	Signing call.Signing
}

// Trial is a callback to try a source with. It is taken as any other: the first time
// it becomes a call, which goes through the rules, and then it is a duplicate.
type Trial struct {
	// Command is for a POSIX shell with curl. Secrets stand in it as variables of the
	// environment, which the person who runs it must set.
	Command string `json:"command"`
	// Variables are their names.
	Variables []string `json:"variables"`
	URL       string   `json:"url"`
	Body      string   `json:"body"`
}

// trial makes the test callback; nil where the format has no example.
func (d Door) trial() *Trial {
	if d.Example == "" {
		return nil
	}
	t := &Trial{URL: d.URL, Body: d.Example, Variables: []string{}}
	secret, key := variable(d.Secret, "SECRET"), variable(d.Key, "ACCESS_KEY")
	if d.Kind == "digest" {
		t.Variables = append(t.Variables, key)
	}
	if d.Kind != "" {
		t.Variables = append(t.Variables, secret)
	}
	address, options, body := inner(d.URL), ` -H "Content-Type: application/json"`, literal(d.Example)
	signing := ""
	switch d.Kind {
	case "header":
		options += ` -H "` + inner(d.Name) + `: $` + secret + `"`
	case "query":
		address += "?" + inner(url.QueryEscape(d.Name)) + "=$" + secret
	case "bearer":
		options += ` -H "Authorization: Bearer $` + secret + `"`
	case "basic":
		options += ` -u "` + inner(d.Name) + `:$` + secret + `"`
	case "digest":
		names := strings.NewReplacer("$KEY", "$"+key, "$SECRET", "$"+secret)
		signing = "body=" + body + "\n" + names.Replace(strings.Join(d.Signing.Lines, "\n")) + "\n"
		for _, h := range d.Signing.Headers {
			options += ` -H "` + names.Replace(h) + `"`
		}
		body = `"$body"`
	}
	t.Command = signing + `curl -sS "` + address + `"` + options + " --data-raw " + body
	return t
}

// variable returns a name that a shell takes for a variable.
func variable(name, otherwise string) string {
	if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(name) {
		name = ""
	}
	return cmp.Or(name, otherwise)
}

// literal quotes a text for a shell, which then reads nothing into it.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// inner writes a text between double quotes, where a shell would replace variables.
func inner(text string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", "$", `\$`).Replace(text)
}
