package expr

import (
	"net/http"
	"strings"
	"sync"
	"testing"
)

func TestResponseHolds(t *testing.T) {
	r := Response{
		Status: 200,
		Header: http.Header{"Content-Type": {"application/json"}, "X-Many": {"a", "b"}},
		Body:   []byte(" {\"ok\":false,\"error\":\"ratelimited\",\"n\":[1,2]} "),
	}
	for src, want := range map[string]bool{
		`response.status >= 200 && response.status < 300`:        true,
		`response.status == 201`:                                 false,
		`response.headers["content-type"] == "application/json"`: true,
		`response.headers["Content-Type"] == "application/json"`: true,
		`"CONTENT-TYPE" in response.headers`:                     true,
		`response.headers["x-many"] == "a, b"`:                   true,
		`response.headers["x-none"] == ""`:                       false,
		`"x-none" in response.headers`:                           false,
		`response.headers.exists(h, h == "x-many")`:              true,
		`response.body.contains("ratelimited")`:                  true,
		`response.json.ok`:                                       false,
		`!response.json.ok && response.json.n[1] == 2`:           true,
		`response.json.missing == 1`:                             false,
		`has(response.json.missing)`:                             false,
		`has(response.json)`:                                     true,
		`response.json.error`:                                    false,
		`response.json.error == 5 || response.status == 200`:     true,
		`false`: false,
	} {
		c, err := CompileResponse(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got := c.Holds(r); got != want || c.IsZero() {
			t.Errorf("%s: %v, want %v", src, got, want)
		}
	}
}

func TestResponseThatIsNotJSON(t *testing.T) {
	for _, body := range []string{"", "ok", "{", "{} {}", strings.Repeat("[", 100) + strings.Repeat("]", 100)} {
		for _, src := range []string{`response.json.ok == true`, `response.json == null`, `!response.json.ok`} {
			c, err := CompileResponse(src)
			if err != nil {
				t.Fatal(err)
			}
			if c.Holds(Response{Status: 200, Body: []byte(body)}) {
				t.Errorf("%s holds of %q", src, body)
			}
		}
	}
	c, err := CompileResponse(`!has(response.json) && response.body == "ok" && size(response.headers) == 0`)
	if err != nil {
		t.Fatal(err)
	}
	if !c.Holds(Response{Body: []byte("ok")}) {
		t.Error("a body that is not JSON has json")
	}
}

func TestResponseCompileErrors(t *testing.T) {
	for src, want := range map[string]string{
		`response.code == 200`:       `response has no field "code": it has status, headers, body, json`,
		`response.header["a"] == ""`: `did you mean "headers"?`,
		`call.id == ""`:              `undeclared reference to 'call'`,
		`response.status`:            `of type int`,
	} {
		if _, err := CompileResponse(src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", src, err, want)
		}
	}
	if (ResponseCondition{}).Holds(Response{Status: 200}) || !(ResponseCondition{}).IsZero() {
		t.Error("the zero condition holds")
	}
}

func TestResponseConcurrentUse(t *testing.T) {
	c, err := CompileResponse(`response.json.n[0] == 1 && response.headers["A"] == "b"`)
	if err != nil {
		t.Fatal(err)
	}
	r := Response{Header: http.Header{"A": {"b"}}, Body: []byte(`{"n":[1]}`)}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for range 50 {
				if !c.Holds(r) {
					t.Error("does not hold")
				}
			}
		})
	}
	group.Wait()
}
