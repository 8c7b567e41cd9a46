package webhook_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/contracttest"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

// build makes a sink of YAML.
func build(t *testing.T, yaml string) *webhook.Sink {
	t.Helper()
	c, err := load([]byte(yaml))
	if err != nil {
		t.Fatal(err)
	}
	if found := problems(c); len(found) > 0 {
		t.Fatal(found)
	}
	sink, err := webhook.New(c, contract.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

func TestQueryIsMergedIntoTheURL(t *testing.T) {
	place := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(place, []byte("https://hooks.example/robot/send?access_token=a%2Bb&x=1"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ yaml, want string }{
		"plain":        {`{url: "https://crm.example/x", query: {b: "2", a: "1"}}`, "https://crm.example/x?a=1&b=2"},
		"beside":       {`{url: "https://crm.example/x?z=%20&y", query: {a: "1"}}`, "https://crm.example/x?z=%20&y&a=1"},
		"in the place": {`{url: "https://crm.example/x?a=0&b=1&%61=2", query: {a: "1"}}`, "https://crm.example/x?b=1&a=1"},
		"secret URL":   {`{url: {file: "` + place + `"}, query: {x: "${call.id}"}}`, "https://hooks.example/robot/send?access_token=a%2Bb&x=s%3Ak"},
		"empty":        {`{url: "https://crm.example/x?a=0", query: {a: "${call.account}", b: "", c: "${call.customer.number}"}}`, "https://crm.example/x?a=0"},
		"nothing":      {`{url: "https://crm.example", query: {a: "${call.account}"}}`, "https://crm.example"},
		"escaped":      {`{url: "https://crm.example/", query: {"n&=": "${call.agent.name}"}}`, "https://crm.example/?n%26%3D=a%26b%3Dc+%2B+%E5%A5%BD%23"},
		"template URL": {`{url: "https://crm.example/${call.id}?q=${call.id}", query: {a: "1"}}`, "https://crm.example/s:k?q=s%3Ak&a=1"},
	} {
		r := &call.Record{ID: "s:k", Agent: call.Agent{Name: "a&b=c + 好#"}}
		request, err := contracttest.Request(build(t, test.yaml), "msg_1", r)
		if err != nil || request.URL != test.want {
			t.Errorf("%s: %v, %v, want %s", name, request, err, test.want)
		}
	}
}

// A status speaks of the address only where all calls have the same.
func TestQueryDecidesWhetherTheURLIsFixed(t *testing.T) {
	for yaml, want := range map[string]bool{
		`{url: "https://crm.example/", query: {a: "1"}}`:              true,
		`{url: "https://crm.example/", query: {a: "${'x' + 'y'}"}}`:   true,
		`{url: "https://crm.example/${'x' + 'y'}"}`:                   true,
		`{url: "https://crm.example/", query: {a: "${call.id}"}}`:     false,
		`{url: "https://crm.example/?${call.id}", query: {a: "b"}}`:   false,
		`{url: "https://crm.example/?${size(call.id) > 0 ? 1 : 2}"}`:  false,
		`{url: "https://crm.example/", headers: {X-A: "${call.id}"}}`: true,
	} {
		request, err := contracttest.Request(build(t, yaml), "msg_1", &call.Record{ID: "s:k"})
		if err != nil || request.FixedURL != want {
			t.Errorf("%s: %v, %v, want %v", yaml, request.FixedURL, err, want)
		}
	}
}

// What stands in the configuration is no secret, so that an error about a field that
// the URL names can be read; a URL from the environment or a file is one.
func TestWhatOfAURLIsSecret(t *testing.T) {
	place := filepath.Join(t.TempDir(), "url")
	if err := os.WriteFile(place, []byte("https://crm.example/objects/External_Id__c?key=k3y-of-it"), 0o600); err != nil {
		t.Fatal(err)
	}
	const said = "External_Id__c is no field; k3y-of-it, hunter22, bWU6aHVudGVyMjI="
	for yaml, want := range map[string]string{
		`{url: "https://crm.example/objects/External_Id__c?a=k3y-of-it"}`:            said,
		`{url: "https://crm.example/objects/External_Id__c?a=b&Api-Key=k3y-of-it"}`:  "External_Id__c is no field; ********, hunter22, bWU6aHVudGVyMjI=",
		`{url: "https://me:hunter22@crm.example/External_Id__c/${call.id}"}`:         "External_Id__c is no field; k3y-of-it, ********, ********=",
		`{url: {file: "` + place + `"}}`:                                             "******** is no field; ********, hunter22, bWU6aHVudGVyMjI=",
		`{url: "https://crm.example/", query: {key: k3y-of-it, id: External_Id__c}}`: "External_Id__c is no field; ********, hunter22, bWU6aHVudGVyMjI=",
	} {
		if got := outbound.Redact(said, build(t, yaml).Transport().Secrets...); got != want {
			t.Errorf("%s: %q, want %q", yaml, got, want)
		}
	}
}

func TestQueryIsChecked(t *testing.T) {
	if _, err := load([]byte(`{url: "https://crm.example/", query: {a: "${call.nix}"}}`)); err == nil {
		t.Error("a template of an unknown field is taken")
	}
	if got := problems(webhook.Config{Request: webhook.Request{Query: webhook.Query{"": {}}}}); len(got) != 2 {
		t.Error(got)
	}
}
