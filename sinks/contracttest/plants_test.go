package contracttest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"testing"
)

// The suite is worth what it finds: a secret in each spelling that it claims to
// know.
func TestPlantsFind(t *testing.T) {
	p := &Plants{}
	text := p.Text("a/b token")
	other := p.Key("other").Reveal()
	for name, leak := range map[string]string{
		"as it is":  "x " + text + " y",
		"escaped":   "?k=" + url.QueryEscape(text),
		"hex":       fmt.Sprintf("%x", text),
		"basic":     base64.StdEncoding.EncodeToString([]byte("user:" + text)),
		"in a JSON": `{"a":"` + text + `"}`,
	} {
		if got := p.find(leak); len(got) != 1 || got[0] != "a/b token" {
			t.Errorf("%s: found %q", name, got)
		}
	}
	if got := p.find("whsec_ planted ******** " + http.StatusText(http.StatusOK)); len(got) != 0 {
		t.Errorf("found %q where nothing was", got)
	}
	if got := p.find("key " + other); len(got) != 1 || got[0] != "other" {
		t.Errorf("the signing key was not found: %q", got)
	}
}

// A config that prints its secret is found in every printed form.
func TestPrintedShowsAll(t *testing.T) {
	p := &Plants{}
	type careless struct{ Token string }
	if got := p.find(printed(t, careless{p.Text("token")})); len(got) != 1 {
		t.Error("a careless configuration was not found out")
	}
	type hidden struct{ token string }
	if got := p.find(fmt.Sprintf("%+v", hidden{p.Text("token")})); len(got) != 1 {
		t.Error("an unexported field was not found out")
	}
}
