package admin_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/cdrelay/cdrelay/internal/admin"
	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// document is openapi.json as the server gives it.
type document struct {
	t    *testing.T
	tree map[string]any
}

func newDocument(t *testing.T, f *fixture) document {
	t.Helper()
	w := f.send(http.MethodGet, "/api/v1/openapi.json", "")
	d := document{t: t}
	if err := json.Unmarshal(w.Body.Bytes(), &d.tree); err != nil || w.Code != http.StatusOK {
		t.Fatalf("%d: %v", w.Code, err)
	}
	return d
}

// at walks down objects.
func (d document) at(keys ...string) map[string]any {
	node := d.tree
	for _, k := range keys {
		node, _ = node[k].(map[string]any)
	}
	return node
}

// closeObjects lets no schema have members that it does not name, so that the answers
// hold nothing that is not in the document.
func closeObjects(node any) {
	switch v := node.(type) {
	case map[string]any:
		_, open := v["additionalProperties"]
		if _, object := v["properties"]; object && !open {
			v["additionalProperties"] = false
		}
		for _, sub := range v {
			closeObjects(sub)
		}
	case []any:
		for _, sub := range v {
			closeObjects(sub)
		}
	}
}

// compile gives a schema of the document.
func (d document) compile(pointer string) *jsonschema.Schema {
	d.t.Helper()
	closeObjects(d.tree["components"])
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("openapi.json", d.tree); err != nil {
		d.t.Fatal(err)
	}
	s, err := c.Compile("openapi.json#" + pointer)
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

func escape(path string) string {
	return strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(path)
}

func (d document) validate(pointer string, body []byte) error {
	d.t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	return d.compile(pointer).Validate(v)
}

func TestOpenAPIHasEveryRoute(t *testing.T) {
	d := newDocument(t, newFixture(t))
	if d.tree["openapi"] != "3.1.0" {
		t.Errorf("version %v", d.tree["openapi"])
	}
	var served, documented []string
	for _, r := range admin.Routes() {
		served = append(served, r[0]+" "+r[1])
	}
	ids := map[any]bool{}
	for path, item := range d.at("paths") {
		operations, _ := item.(map[string]any)
		for method, o := range operations {
			documented = append(documented, strings.ToUpper(method)+" "+path)
			operation, _ := o.(map[string]any)
			if id := operation["operationId"]; id == nil || ids[id] {
				t.Errorf("%s %s: operationId %v", method, path, id)
			} else {
				ids[id] = true
			}
			d.checkPathParameters(path, operation)
		}
	}
	slices.Sort(served)
	slices.Sort(documented)
	if !slices.Equal(served, documented) {
		t.Errorf("served\n%s\ndocumented\n%s", strings.Join(served, "\n"), strings.Join(documented, "\n"))
	}
}

// checkPathParameters wants each {name} of a path as a required parameter.
func (d document) checkPathParameters(path string, operation map[string]any) {
	d.t.Helper()
	var named []string
	for part := range strings.SplitSeq(path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			named = append(named, strings.TrimSuffix(name, "}"))
		}
	}
	var documented []string
	for _, p := range parameters(operation, "path") {
		documented = append(documented, p.Name)
		if !p.Required {
			d.t.Errorf("%s: %s is not required", path, p.Name)
		}
	}
	if !slices.Equal(named, documented) {
		d.t.Errorf("%s: path parameters %v", path, documented)
	}
}

type parameter struct {
	Name, In string
	Required bool
	Schema   struct {
		Type, Format string
		Enum         []string
	}
}

func parameters(operation map[string]any, in string) (out []parameter) {
	b, _ := json.Marshal(operation["parameters"]) // it came from JSON
	var all []parameter
	_ = json.Unmarshal(b, &all) // an empty list shows in the tests
	return slices.DeleteFunc(all, func(p parameter) bool { return p.In != in })
}

// TestOpenAPIParameters: each documented parameter is read, and no other.
func TestOpenAPIParameters(t *testing.T) {
	f := newFixture(t)
	d := newDocument(t, f)
	for _, path := range []string{"/api/v1/calls", "/api/v1/dead-letters", "/api/v1/dead-letters/groups"} {
		known := parameters(d.at("paths", path, "get"), "query")
		if len(known) < 7 {
			t.Errorf("%s has %d parameters", path, len(known))
		}
		var names []string
		for _, p := range known {
			names = append(names, p.Name)
			value := "1"
			switch {
			case p.Schema.Format == "date-time":
				value = "2026-01-31T09:30:00Z"
			case len(p.Schema.Enum) > 0:
				value = p.Schema.Enum[0]
			case p.Name == "cursor" && path != "/api/v1/calls":
				value = "01J00000000000000000000000"
			}
			if w := f.send(http.MethodGet, path+"?"+p.Name+"="+value, ""); w.Code != http.StatusOK {
				t.Errorf("%s?%s=%s: %d %s", path, p.Name, value, w.Code, w.Body)
			}
		}
		w := f.send(http.MethodGet, path+"?nothing=1", "")
		if want := fmt.Sprint(names); !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s reads %s, the document has %s", path, w.Body, want)
		}
	}
}

// example is a request whose body and answer must be as the document says.
type example struct {
	method, path string // of the document
	url, body    string
	status       int
}

func examples(f *fixture) []example {
	f.bury("dialer:a")
	f.bury("dialer:b")
	f.accept("c")
	f.keep("bad", "\xff\xfe", `{"phone":"+6281234567890"}`)
	letters := f.list("").Items
	const get, post = http.MethodGet, http.MethodPost
	var out []example
	add := func(method, path, url, body string, status int) {
		out = append(out, example{method, path, url, body, status})
	}
	add(get, "/api/v1/status", "", "", 200)
	add(get, "/api/v1/calls", "", "", 200)
	add(get, "/api/v1/calls", "/api/v1/calls?limit=x", "", 400)
	add(get, "/api/v1/calls/{id}", "/api/v1/calls/dialer:a", "", 200)
	add(get, "/api/v1/calls/{id}", "/api/v1/calls/none", "", 404)
	add(get, "/api/v1/dead-letters", "", "", 200)
	add(get, "/api/v1/dead-letters", "/api/v1/dead-letters?number=7890", "", 200)
	add(get, "/api/v1/dead-letters", "/api/v1/dead-letters?number=x", "", 400)
	add(get, "/api/v1/dead-letters/groups", "", "", 200)
	add(get, "/api/v1/dead-letters/groups", "/api/v1/dead-letters/groups?reason=rejected", "", 200)
	add(get, "/api/v1/dead-letters/groups", "/api/v1/dead-letters/groups?reason=x", "", 400)
	add(post, "/api/v1/dead-letters/replay", "", fmt.Sprintf(`{"id":%q,"body":"still bad"}`, letters[0]["id"]), 200)
	add(post, "/api/v1/dead-letters/replay", "", fmt.Sprintf(`{"id":%q,"body":{"still":"bad"}}`, letters[0]["id"]), 200)
	for _, l := range letters {
		add(get, "/api/v1/dead-letters/{id}", fmt.Sprintf("/api/v1/dead-letters/%v", l["id"]), "", 200)
	}
	add(get, "/api/v1/openapi.json", "", "", 200)
	add(post, "/api/v1/sinks/{name}/pause", "/api/v1/sinks/crm/pause", "", 200)
	add(post, "/api/v1/sinks/{name}/pause", "/api/v1/sinks/crm/pause", `{"for":"2h","reason":"maintenance"}`, 200)
	add(post, "/api/v1/sinks/{name}/pause", "/api/v1/sinks/crm/pause", `{"for":"soon"}`, 400)
	add(get, "/api/v1/status", "", "", 200)
	add(post, "/api/v1/sinks/{name}/resume", "/api/v1/sinks/crm/resume", "", 200)
	add(post, "/api/v1/sinks/{name}/resume", "/api/v1/sinks/none/resume", "", 404)
	add(post, "/api/v1/sinks/{name}/test", "/api/v1/sinks/crm/test", "", 200)
	add(post, "/api/v1/sinks/{name}/test", "/api/v1/sinks/none/test", "", 404)
	add(get, "/api/v1/sinks", "", "", 200)
	add(get, "/api/v1/sinks/{name}", "/api/v1/sinks/crm", "", 200)
	add(get, "/api/v1/sinks/{name}", "/api/v1/sinks/none", "", 404)
	add(get, "/api/v1/sources", "", "", 200)
	add(get, "/api/v1/sources/{name}", "/api/v1/sources/dialer", "", 200)
	add(get, "/api/v1/sources/{name}", "/api/v1/sources/none", "", 404)
	add(post, "/api/v1/explain", "", `{"source":"dialer","callback":{}}`, 200)
	add(post, "/api/v1/explain", "", `{"source":"none","callback":{}}`, 404)
	add(post, "/api/v1/dead-letters/replay", "", `{"filter":{"sink":"crm","since":"2020-01-01T00:00:00Z"},"dry_run":true,"limit":1}`, 200)
	add(post, "/api/v1/dead-letters/replay", "", `{"filter":{"reason":"rejected"},"rate_per_second":5,"not_before":"2020-01-01T00:00:00Z","limit":1}`, 200)
	add(post, "/api/v1/dead-letters/replay", "", fmt.Sprintf(`{"ids":[%q]}`, letters[1]["id"]), 200)
	add(post, "/api/v1/calls/{id}/resend", "/api/v1/calls/dialer:a/resend", `{"sinks":["crm"]}`, 200)
	add(post, "/api/v1/calls/resend", "", `{"filter":{"sink":"crm","since":"2020-01-01T00:00:00Z","state":"delivered"},"dry_run":true}`, 200)
	add(post, "/api/v1/calls/resend", "", `{"filter":{},"sinks":["crm"],"rate_per_second":5,"not_before":"2020-01-01T00:00:00Z","limit":1}`, 200)
	add(post, "/api/v1/calls/resend", "", `{"filter":{},"sinks":["none"]}`, 404)
	add(post, "/api/v1/calls/resend", "", `{"filter":{}}`, 400)
	add(post, "/api/v1/calls/erase", "", `{"number":"+6281234567890","dry_run":false}`, 200)
	add(post, "/api/v1/dead-letters/purge", "", `{"filter":{},"limit":1}`, 200)
	add(post, "/-/reload", "", "", 200)
	add(get, "/api/v1/events", "", "", 200)
	add(get, "/api/v1/events", "/api/v1/events?cursor=x", "", 400)
	return out
}

func TestOpenAPIAnswers(t *testing.T) {
	f := newFixture(t)
	f.wire()
	f.deps.Reload = noReload
	d := newDocument(t, f)
	seen := map[string]bool{}
	for _, e := range examples(f) {
		if e.url == "" {
			e.url = e.path
		}
		operation := "/paths/" + escape(e.path) + "/" + strings.ToLower(e.method)
		if e.body != "" {
			if err := d.validate(operation+"/requestBody/content/application~1json/schema", []byte(e.body)); err != nil {
				t.Errorf("%s %s: the request %s: %v", e.method, e.url, e.body, err)
			}
		}
		w := f.send(e.method, e.url, e.body)
		if w.Code != e.status {
			t.Errorf("%s %s: %d %s, want %d", e.method, e.url, w.Code, w.Body, e.status)
			continue
		}
		kind, _, _ := strings.Cut(w.Header().Get("Content-Type"), ";")
		if d.at("paths", e.path, strings.ToLower(e.method), "responses", fmt.Sprint(e.status), "content", kind) == nil {
			t.Errorf("%s %s: %d of type %s is not in the document", e.method, e.url, w.Code, kind)
			continue
		}
		schema := operation + "/responses/" + fmt.Sprint(e.status) + "/content/" + escape(kind) + "/schema"
		if err := d.validate(schema, w.Body.Bytes()); err != nil {
			t.Errorf("%s %s: %v\n%s", e.method, e.url, err, w.Body)
		}
		if e.status == http.StatusOK {
			seen[e.method+" "+e.path] = true
		}
	}
	for _, r := range admin.Routes() {
		if !seen[r[0]+" "+r[1]] {
			t.Errorf("%s %s has no example", r[0], r[1])
		}
	}
}

// TestOpenAPIRequests: what the document does not allow in a body is refused, and
// what it demands is missed.
func TestOpenAPIRequests(t *testing.T) {
	f := newFixture(t)
	f.wire()
	f.accept("a")
	d := newDocument(t, f)
	for _, r := range admin.Routes() {
		body := d.at("paths", r[1], strings.ToLower(r[0]), "requestBody")
		if body == nil {
			continue
		}
		url := strings.NewReplacer("{id}", "dialer:a").Replace(r[1])
		schema := d.at("components", "schemas", d.refOf(body))
		properties, _ := schema["properties"].(map[string]any)
		full := map[string]any{}
		for name := range properties {
			full[name] = map[string]any{"nonsense": 1}
		}
		for name := range properties {
			if name == "callback" {
				continue // may be anything
			}
			text, _ := json.Marshal(map[string]any{name: full[name]}) // plain values
			if w := f.send(r[0], url, string(text)); w.Code != http.StatusBadRequest || strings.Contains(w.Body.String(), fmt.Sprintf(`unknown field \"%s\"`, name)) {
				t.Errorf("%s %s: %d %s", url, text, w.Code, w.Body)
			}
		}
		required, _ := schema["required"].([]any)
		for _, name := range required {
			if w := f.send(r[0], url, `{}`); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), `is missing`) {
				t.Errorf("%s without %v: %d %s", url, name, w.Code, w.Body)
			}
		}
		w := f.send(r[0], url, `{"nothing":1}`)
		for name := range properties {
			if !strings.Contains(w.Body.String(), name) {
				t.Errorf("%s does not know %s: %s", url, name, w.Body)
			}
		}
		_, list, _ := strings.Cut(w.Body.String(), "there are ")
		if n := strings.Count(list, ", ") + 1; n != len(properties) {
			t.Errorf("%s knows %d fields, the document %d: %s", url, n, len(properties), list)
		}
	}
}

func (d document) refOf(body map[string]any) string {
	content, _ := body["content"].(map[string]any)
	kind, _ := content["application/json"].(map[string]any)
	schema, _ := kind["schema"].(map[string]any)
	ref, _ := schema["$ref"].(string)
	return ref[strings.LastIndex(ref, "/")+1:]
}

func TestOpenAPIEnums(t *testing.T) {
	d := newDocument(t, newFixture(t))
	parameters, _ := d.at("paths", "/api/v1/calls", "get")["parameters"].([]any)
	for _, p := range parameters {
		p, _ := p.(map[string]any)
		want := map[any]string{"outcome": fmt.Sprint(call.Outcomes()), "direction": fmt.Sprint(call.Directions()), "state": fmt.Sprint(spool.DeliveryStates())}[p["name"]]
		if schema, _ := p["schema"].(map[string]any); want != "" && fmt.Sprint(schema["enum"]) != want {
			t.Errorf("%s: %s, want %v", p["name"], schema["enum"], want)
		}
	}
	properties := d.at("components", "schemas", "DeadLetter", "properties")
	for name, want := range map[string][]string{
		"reason": {string(spool.Undecoded), string(spool.Rejected), string(spool.Render), string(spool.Expired), string(spool.Failing), string(spool.SinkRemoved)},
		"stage":  {string(spool.StageIntake), string(spool.StageDelivery)},
	} {
		schema, _ := properties[name].(map[string]any)
		if got := fmt.Sprint(schema["enum"]); got != fmt.Sprint(want) {
			t.Errorf("%s: %s, want %v", name, got, want)
		}
	}
}
