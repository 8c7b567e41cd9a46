package webhook_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

func problems(c webhook.Config) []string {
	var list []string
	c.Validate(func(path, problem string) { list = append(list, path+": "+problem) })
	slices.Sort(list)
	return list
}

// Each case gives the beginning of every problem, path included.
func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name, yaml string
		want       []string
	}{
		{"least", "url: https://crm.example/x", nil},
		{"no url", "method: POST", []string{"url: is missing"}},
		{"wrong words", "{url: 'https://a.example', method: post, encoding: xml, envelope: soap}", []string{
			`encoding: "xml" is not an encoding: write`, `envelope: "soap" is not an envelope: write`, `method: "post" is not a method: write`,
		}},
		{"template in the host", "url: 'https://${call.id}.example/'", []string{"url: "}},
		{"ftp", "url: ftp://a.example/", []string{"url: "}},
		{"misspelt field in the url", "url: 'https://a.example/${call.custmer}'", []string{"url: "}},
		{"body of a GET", "{url: 'https://a.example', method: GET, body: {a: b}, envelope: cloudevents}", []string{
			"body: GET sends no body", "envelope: GET sends no body",
		}},
		{"form in an envelope", "{url: 'https://a.example', encoding: form, envelope: cloudevents}", []string{"envelope: cloudevents is JSON"}},
		{"form of a list", "{url: 'https://a.example', encoding: form, body: [a]}", []string{"body: is not a mapping"}},
		{"own headers", "{url: 'https://a.example', headers: {Webhook-ID: a, idempotency-key: b, Host: c, Content-Length: '3'}}", []string{
			"headers.Content-Length: belongs", "headers.Host: belongs", "headers.Webhook-ID: is set by cdrelay", "headers.idempotency-key: is set",
		}},
		{"header names", "{url: 'https://a.example', headers: {'a b': x, X-A: x, x-a: y}}", []string{
			`headers.a b: "a b" is not a header name`, "headers.x-a: is the same header as X-A",
		}},
		{"header with a line break", "{url: 'https://a.example', headers: {X-A: \"a\\nb\"}}", []string{"headers.X-A: holds a control character"}},
		{"two authorizations", "{url: 'https://a.example', auth: {bearer: x}, headers: {authorization: y}}", []string{"headers.authorization: is set by auth"}},
		{"content type of an envelope", "{url: 'https://a.example', envelope: cloudevents, headers: {Content-Type: y}}", []string{"headers.Content-Type: is set by envelope"}},
		{"no auth", "{url: 'https://a.example', auth: {}}", []string{"auth: names 0 kinds of credentials: write exactly one of"}},
		{"two auths", "{url: 'https://a.example', auth: {bearer: x, basic: {username: a, password: b}}}", []string{"auth: names 2 kinds of credentials: write exactly one of"}},
		{"basic", "{url: 'https://a.example', auth: {basic: {username: 'a:b'}}}", []string{"auth.basic.username: holds a colon"}},
		{"oauth2", "{url: 'https://a.example', auth: {oauth2: {token_url: nowhere, scopes: ['a b'], scheme: 'a b'}}}", []string{
			"auth.oauth2.client_id: is missing", "auth.oauth2.client_secret: is missing", "auth.oauth2.scheme: ", "auth.oauth2.scopes: ", "auth.oauth2.token_url: is not",
		}},
		{"oauth2 of a public client", "{url: 'https://a.example', auth: {oauth2: {token_url: 'https://l.example/', client_id: a, refresh_token: b}}}", nil},
		{"sign", "{url: 'https://a.example', sign: {}}", []string{"sign.standard_webhooks: is missing"}},
		{"short key", "{url: 'https://a.example', sign: {standard_webhooks: whsec_c2hvcnQ=}}", []string{"sign.standard_webhooks: is not a secret of Standard Webhooks"}},
		{"second key", "{url: 'https://a.example', sign: {standard_webhooks: [whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3A=, '%']}}", []string{"sign.standard_webhooks[1]: is not"}},
		{"tls", "{url: 'https://a.example', tls: {cert: x.pem}}", []string{"tls.cert: "}},
		{"steps", "{base: 'https://a.example', steps: [{name: a, url: /x, result: response.json.id, remember: true, cache: 1m}, {name: b, url: '/y/${steps.a}', body: {c: '${remembered.a}'}, fills: a, result: response.json}]}", nil},
		{"keys beside steps", "{url: 'https://a.example', method: PUT, body: {a: b}, query: {a: b}, encoding: form, envelope: cloudevents, steps: [{name: a, url: 'https://a.example'}]}", []string{
			"body: belongs to one request", "encoding: belongs", "envelope: belongs", "method: belongs", "query: belongs", "url: belongs",
		}},
		{"names of steps", "{base: 'https://a.example', steps: [{url: /x}, {name: A, url: /x}, {name: in, url: /x}, {name: a, url: /x}, {name: a, url: /x}]}", []string{
			"steps[0].name: is missing", `steps[1].name: "A" is not a name`, `steps[2].name: "in" is not a name`, "steps[4].name: the name a is used at steps[3]",
		}},
		{"what steps read", `{base: 'https://a.example', steps: [{name: contact, url: '/x?a=${steps.call}', when: 'steps.contact == ""', method: '${remembered.contact}'}, {name: call, url: /x, headers: {X-A: '${steps.contakt}'}, query: {q: '${steps.call}'}, body: {a: [{b: '${remembered.cal}'}]}}]}`, []string{
			"steps[0].method: remembered.contact: the step contact does not remember", "steps[0].url: steps.call: the step call has no result yet",
			"steps[0].when: steps.contact: the step contact has no result yet", `steps[1].body.a[0].b: remembered.cal: no step remembers its result`,
			`steps[1].headers.X-A: steps.contakt: there is no step "contakt": did you mean "contact"?`, "steps[1].query.q: steps.call: the step call has no result yet",
		}},
		{"results", "{base: 'https://a.example', steps: [{name: a, url: /x, remember: true, cache: 1m, fills: b}, {name: b, url: /x, result: '[1]', remember: true, cache: 25h, fills: a}, {name: c, url: '/x?${now}', result: '1', cache: 1m, rate: {per_second: 0.0}}]}", []string{
			"steps[0].cache: needs a result", "steps[0].fills: needs a result", `steps[0].fills: there is no step "b" before`, "steps[0].remember: needs a result",
			"steps[1].cache: 25h0m0s is out of range", "steps[1].result: is remembered, and is neither", "steps[2].cache: keeps results by the request", "steps[2].rate.per_second: 0 is out of range",
		}},
		{"a lookup that is not kept", "{base: 'https://a.example', steps: [{name: a, url: /x, result: '1', cache: 0s}, {name: b, url: /x, result: '1', fills: a}]}", []string{"steps[1].fills: the step a keeps no results"}},
		{"a cached write", "{base: 'https://a.example', steps: [{name: a, method: PUT, url: /x, result: '1', cache: 1m}]}", []string{"steps[0].cache: is for lookups, and PUT writes"}},
		{"no base", "{steps: [{name: a, url: /x}]}", []string{"steps[0].url: the URL does not begin"}},
		{"credentials of a step", "{auth: {bearer: x}, steps: [{name: a, url: 'https://a.example', headers: {Authorization: y}}, {name: b, url: 'https://a.example', auth: {bearer: x}, headers: {Authorization: y}}]}", []string{
			"steps[1].headers.Authorization: is set by auth",
		}},
		{"result in the short form", "{url: 'https://a.example/${steps.a}', method: '${call.method}'}", []string{"url: steps.a: no step has a result here"}},
		{"multipart", "{url: 'https://a.example', encoding: multipart, body: [a], headers: {Content-Type: x}}", []string{"body: is not a mapping", "headers.Content-Type: is set by encoding multipart"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := load([]byte(test.yaml))
			if err != nil {
				t.Fatal(err)
			}
			got := problems(c)
			if len(got) != len(test.want) {
				t.Fatalf("problems:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			for i, want := range test.want {
				if !strings.HasPrefix(got[i], want) {
					t.Errorf("problem %q, want %q", got[i], want)
				}
			}
			if _, err := webhook.New(c, contract.Deps{}); (err != nil) != (len(test.want) > 0) {
				t.Errorf("New: %v", err)
			}
		})
	}
}

// All that is wrong in the file is told at once, with its line.
func TestDecodeErrors(t *testing.T) {
	_, err := load([]byte(`url: {environment: X}
headers:
  X-A: {env: CDRELAY_TEST_NOT_SET}
  X-B: "${call.nothing}"
body: {a: "${call.nothing}"}
success: response.stat == 1
sign:
  standard_webhooks:
    - {env: CDRELAY_TEST_NOT_SET}
    - [x]
metod: POST
`))
	var all *yaml.TypeError
	if !errors.As(err, &all) {
		t.Fatalf("%v is no yaml.TypeError", err)
	}
	var lines []string
	for _, one := range all.Errors {
		var line int
		if _, err := fmt.Sscanf(one, "line %d:", &line); err != nil {
			t.Errorf("no line in %q", one)
		}
		lines = append(lines, fmt.Sprint(line))
	}
	slices.Sort(lines)
	if diff := cmp.Diff([]string{"1", "10", "11", "3", "4", "5", "6", "9"}, slices.Compact(lines)); diff != "" {
		t.Errorf("lines of the errors (-want +got):\n%s\n%v", diff, err)
	}
}

func TestHeaderValueFromFileIsNoTemplate(t *testing.T) {
	t.Setenv("CDRELAY_TEST_HEADER", "pa${call.id}ss")
	c, err := load([]byte("headers: {X-A: {env: CDRELAY_TEST_HEADER}}"))
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprintf("%v %+v %#v", c.Headers, c.Headers["X-A"], c); strings.Contains(text, "pa${") {
		t.Errorf("the literal is printed: %s", text)
	}
	if got := c.Headers["X-A"].String(); got != "********" {
		t.Errorf("String() = %q", got)
	}
}
