package operate_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
)

func TestSources(t *testing.T) {
	r := newRig(t)
	r.keep("bad", "worse")
	r.deps.Server = func() operate.Server {
		return operate.Server{Sources: []operate.Source{{Name: "dialer", Format: "nxcc", Path: "/callbacks/dialer", Door: operate.Door{URL: "http://localhost:8080/callbacks/dialer", Example: "{}"}}, {Name: "other"}}}
	}
	s, err := r.operator().Source(t.Context(), "dialer")
	if err != nil || len(s.Undecodable) != 2 || s.Undecodable[0].Detail != "not JSON" || s.Test == nil || s.Test.Body != "{}" {
		t.Errorf("%+v %v", s, err)
	}
	page, err := r.operator().Sources(t.Context())
	if err != nil || len(page.Items) != 2 || len(page.Items[0].Undecodable) != 2 || len(page.Items[1].Undecodable) != 0 || page.Items[1].Test != nil {
		t.Errorf("%+v %v", page, err)
	}
	if _, err := r.operator().Source(t.Context(), "nobody"); !errors.Is(err, operate.ErrNotFound) {
		t.Errorf("a source that is not there: %v", err)
	}
}

// TestCurl: the command for each door, with secrets as variables and nothing else that
// a shell would read. TestTrialCallbacks of cmd/cdrelay runs them.
func TestCurl(t *testing.T) {
	const example = `{"name":"O'Brien"}`
	const body = ` -H "Content-Type: application/json"`
	const data = ` --data-raw '{"name":"O'\''Brien"}'`
	door := func(kind, name, secret string) operate.Door {
		return operate.Door{URL: "http://localhost:8080/callbacks/a$b", Kind: kind, Name: name, Secret: secret, Example: example}
	}
	for _, tt := range []struct {
		door      operate.Door
		want      string
		variables []string
	}{
		{door("", "", ""), `curl -sS "http://localhost:8080/callbacks/a\$b"` + body + data, []string{}},
		{door("header", "X-$`\"\\", "TOKEN"), "curl -sS \"http://localhost:8080/callbacks/a\\$b\"" + body + " -H \"X-\\$\\`\\\"\\\\: $TOKEN\"" + data, []string{"TOKEN"}},
		{door("query", "a key", ""), `curl -sS "http://localhost:8080/callbacks/a\$b?a+key=$SECRET"` + body + data, []string{"SECRET"}},
		{door("bearer", "", "no name"), `curl -sS "http://localhost:8080/callbacks/a\$b"` + body + ` -H "Authorization: Bearer $SECRET"` + data, []string{"SECRET"}},
		{door("basic", "platform", "PASS"), `curl -sS "http://localhost:8080/callbacks/a\$b"` + body + ` -u "platform:$PASS"` + data, []string{"PASS"}},
		{
			operate.Door{URL: "http://h/c", Kind: "digest", Key: "K", Secret: "S", Example: "{}", Signing: call.Signing{Lines: []string{"sign=$KEY$SECRET$body"}, Headers: []string{"key: $KEY", "sign: $sign"}}},
			"body='{}'\nsign=$K$S$body\n" + `curl -sS "http://h/c"` + body + ` -H "key: $K" -H "sign: $sign" --data-raw "$body"`,
			[]string{"K", "S"},
		},
	} {
		r := newRig(t)
		r.deps.Server = func() operate.Server { return operate.Server{Sources: []operate.Source{{Name: "a", Door: tt.door}}} }
		s, err := r.operator().Source(t.Context(), "a")
		if err != nil || s.Test.Command != tt.want || !slices.Equal(s.Test.Variables, tt.variables) {
			t.Errorf("%s: %v\n%s\nwant\n%s", tt.door.Kind, err, s.Test.Command, tt.want)
		}
		if strings.Count(s.Test.Command, "curl") != 1 {
			t.Errorf("%s", s.Test.Command)
		}
	}
}
