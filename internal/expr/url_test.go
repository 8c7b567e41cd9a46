package expr

import (
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/call"
)

func TestURLRender(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"https://example.com", "https://example.com"},
		{"http://example.com:8080/a?b=c", "http://example.com:8080/a?b=c"},
		{"HTTPS://user:pass@example.com/x", "HTTPS://user:pass@example.com/x"},
		{"https://example.com/calls/${call.id}", "https://example.com/calls/dialer:88-1"},
		{"https://example.com/o/${call.references.order_id}/x", "https://example.com/o/A%2F1%3Fb%23c/x"},
		{"https://example.com/?phone=${call.customer.number}&o=${call.references.order_id}", "https://example.com/?phone=%2B6281234567890&o=A%2F1%3Fb%23c"},
		{"https://example.com?c=${call.references.custom}", "https://example.com?c=x+y%2Bz"},
		{"https://example.com/p${call.talk_seconds}/q${call.cost}//r/", "https://example.com/p0/q//r/"},
		{"https://example.com/${call.cost}${call.id}?${call.cost}/x", "https://example.com/dialer:88-1?/x"},
		{"https://example.com/é/%C3%A9?来源=电话&x=${call.revision}é", "https://example.com/%C3%A9/%C3%A9?%E6%9D%A5%E6%BA%90=%E7%94%B5%E8%AF%9D&x=1%C3%A9"},
		{"https://example.com?ü", "https://example.com?%C3%BC"},
		{"https://example.com/${call.raw.big}?f=${call.raw.fee}", "https://example.com/12345678901234567890?f=12.50"},
		{"https://example.com/$${x}", "https://example.com/${x}"},
		{"https://example.com/${call.agent.id}?next=${'/a?b'}${call.id}", "https://example.com/7?next=%2Fa%3Fbdialer%3A88-1"},
	} {
		u, err := ParseURL(c.src)
		if err != nil {
			t.Errorf("%s: %v", c.src, err)
			continue
		}
		if got, err := u.Render(NewView(full(), nil)); got != c.want || err != nil {
			t.Errorf("%s: %s, %v, want %s", c.src, got, err, c.want)
		}
		if has := strings.Contains(c.src, "${call."); u.DependsOnCall() != has {
			t.Errorf("%s: DependsOnCall is %v", c.src, u.DependsOnCall())
		}
		if !strings.HasPrefix(u.host, "example.com") || strings.Contains(u.host, "@") {
			t.Errorf("%s: host %s", c.src, u.host)
		}
	}
}

// TestEmptySegmentIsNoRequest: the collection in the place of one entry.
func TestEmptySegmentIsNoRequest(t *testing.T) {
	for src, bareSegment := range map[string]bool{
		"https://example.com/contacts/${call.cost}":              true,
		"https://example.com/contacts/${call.cost}/calls":        true,
		"https://example.com/contacts/${call.cost}?a=b":          true,
		"https://example.com/${call.cost}${call.voicemail_url}/": true,
		"https://example.com/a/${call.cost}/${call.id}":          true,
	} {
		u, err := ParseURL(src)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := u.Render(NewView(full(), nil)); !errors.Is(err, errEmptySegment) || got != "" {
			t.Errorf("%s: %q, %v", src, got, err)
		}
		if u.BareSegments() != bareSegment {
			t.Errorf("%s: BareSegments is %v", src, !bareSegment)
		}
	}
	for _, src := range []string{"https://example.com/c-${call.cost}", "https://example.com/?a=${call.cost}", "https://example.com//", "https://example.com/a?b=/${call.cost}/"} {
		u, err := ParseURL(src)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := u.Render(NewView(full(), nil)); err != nil || u.BareSegments() {
			t.Errorf("%s: %v, BareSegments %v", src, err, u.BareSegments())
		}
	}
}

func TestURLErrors(t *testing.T) {
	for src, want := range map[string]string{
		"":                                      "empty",
		" https://sekrit.example/":              "space at its beginning",
		"sekrit.example/calls":                  "does not begin with http",
		"sekrit.example/${call.id}":             "does not begin with http",
		"http://sekrit.example:99999/":          "1 to 65535",
		"http://sekrit.example:0/":              "1 to 65535",
		"ftp://sekrit.example/":                 "does not begin with http",
		"https:///sekrit":                       "no host",
		"https://$SEKRIT/x":                     "a character that no host has",
		"https://sekrit.example/#frag":          "#fragment",
		"https://sekrit.example/a b":            "a space",
		"https://sekrit.example/a\\b":           "a backslash",
		"https://sekrit.example/%zz":            "hexadecimal",
		"https://sekrit.example/?a=%2":          "hexadecimal",
		"https://sekrit.example/%${call.id}":    "hexadecimal",
		"https://sekrit.example/%2${call.id}":   "hexadecimal",
		"https://sekrit.example/?a=%${call.id}": "hexadecimal",
		"https://sekrit.example:pörtchen/":      "malformed",
		"https://sekrit.example/a/../b":         `"." or ".."`,
		"https://sekrit.example/a/%2e%2E/b":     `"." or ".."`,
		"https://sekrit.example/a%2f..%2fb":     `"." or ".."`,
		"${call.id}":                            "scheme and host are fixed",
		"${call.id}://sekrit.example/":          "scheme and host are fixed",
		"https://${call.id}/sekrit":             "scheme and host are fixed",
		"https://sekrit${call.id}.example/":     "scheme and host are fixed",
		"https://sekrit.example${call.id}/":     "scheme and host are fixed",
		"https://u:${call.id}@sekrit.example/":  "scheme and host are fixed",
		"https://sekrit.example/${call.nix}":    `call has no field "nix"`,
		"https://sekrit.example/${call.id":      "no closing }",
	} {
		_, err := ParseURL(src)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", src, err, want)
		} else if strings.Contains(err.Error(), "sekrit") {
			t.Errorf("%s: the error holds the URL: %v", src, err)
		}
	}
}

func TestURLRenderRefusesDots(t *testing.T) {
	for _, c := range []struct{ src, value string }{
		{"https://sekrit.example/a/${call.account}/b", ".."},
		{"https://sekrit.example/a/${call.account}", "."},
		{"https://sekrit.example/a/.${call.account}/b", "."},
		{"https://sekrit.example/a/%2e${call.account}", "."},
		{"https://sekrit.example/${call.account}", "../../admin"},
		{"https://sekrit.example/${call.account}", `..\admin`},
		{"https://sekrit.example/${call.account}${call.cost}.", "."},
	} {
		u, err := ParseURL(c.src)
		if err != nil {
			t.Fatal(err)
		}
		r := full()
		r.Account = c.value
		if got, err := u.Render(NewView(r, nil)); err == nil || strings.Contains(err.Error(), "sekrit") {
			t.Errorf("%s with %q: %s, %v", c.src, c.value, got, err)
		}
	}
	u, err := ParseURL("https://sekrit.example/${1 / (call.revision - 1)}")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := u.Render(NewView(full(), nil)); err == nil || strings.Contains(err.Error(), "sekrit") {
		t.Errorf("error %v", err)
	}
}

// FuzzURL holds that no value changes where a request goes, or the shape of
// its path and query.
func FuzzURL(f *testing.F) {
	u, err := ParseURL("https://user:pw@example.com:8443/base/${call.account}/x?a=${call.account}&b=1&c=${call.cost}")
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"", "a", "..", "../..", "a/b", "?x=y", "#f", "&b=2", "+62", "%2e%2e", "@evil", "//evil", "\r\nHost: e", "\xff", "é", ";", "\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := &call.Record{Account: value, Cost: value}
		s, err := u.Render(NewView(r, nil))
		if err != nil {
			return
		}
		got, err := url.Parse(s)
		if err != nil {
			t.Fatalf("%q gives %q: %v", value, s, err)
		}
		if got.Scheme != "https" || got.Host != "example.com:8443" || got.User.String() != "user:pw" || got.Fragment != "" {
			t.Fatalf("%q gives %q", value, s)
		}
		if parts := strings.Split(got.EscapedPath(), "/"); len(parts) != 4 || parts[1] != "base" || parts[3] != "x" {
			t.Fatalf("%q gives the path %q", value, got.EscapedPath())
		}
		q, err := url.ParseQuery(got.RawQuery)
		if err != nil || len(q) != 3 || q.Get("a") != value || q.Get("b") != "1" || q.Get("c") != value {
			t.Fatalf("%q gives the query %q", value, got.RawQuery)
		}
	})
}

// FuzzParseURL holds that whatever is accepted renders to a URL of that host.
func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"https://e.com/${call.id}", "http://h?${call.id}", "http://a@b/", "https://e.com/a%2", "http://[::1]:80/${call.cost}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		u, err := ParseURL(src)
		if err != nil {
			return
		}
		s, err := u.Render(NewView(full(), nil))
		if err != nil {
			return
		}
		got, err := url.Parse(s)
		if err != nil || got.Host != u.host || got.Host == "" || got.Fragment != "" {
			t.Fatalf("%q gives %q, %v", src, s, err)
		}
	})
}
