package expr

import (
	"math"
	"net/http"
	"strings"
	"testing"
)

func TestResponseWait(t *testing.T) {
	r := Response{
		Status: 200,
		Header: http.Header{"X-Ratelimit-Reset": {" 12 "}, "X-Odd": {"soon"}},
		Body:   []byte(`{"wait":2.5,"code":11232,"none":null,"list":[1],"text":"7"}`),
	}
	for src, want := range map[string]float64{
		`30`:                                     30,
		`30u`:                                    30,
		`2.5`:                                    2.5,
		`-3`:                                     -3,
		`duration("90s")`:                        90,
		`response.headers["x-ratelimit-reset"]`:  12,
		`response.headers["x-odd"]`:              0,
		`response.headers["x-none"]`:             0,
		`response.json.wait`:                     2.5,
		`response.json.text`:                     7,
		`response.json.none`:                     0,
		`response.json.list`:                     0,
		`response.json.missing`:                  0,
		`response.json.code == 11232 ? 60 : 0`:   60,
		`response.json.code == 1 ? 60 : 0`:       0,
		`response.status / 0`:                    0,
		`null`:                                   0,
		`response.status == 429 ? dyn(5) : null`: 0,
	} {
		w, err := compileResponseWait(src)
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got := w.Seconds(r); got != want || w.IsZero() {
			t.Errorf("%s: %v, want %v", src, got, want)
		}
	}
	w, err := compileResponseWait(`response.body`)
	if err != nil {
		t.Fatal(err)
	}
	if got := w.Seconds(Response{Body: []byte("1e999")}); got != 0 && !math.IsInf(got, 1) {
		t.Error(got)
	}
	for _, src := range []string{`true`, `[1]`, `response`, `timestamp("2026-01-01T00:00:00Z")`} {
		if _, err := compileResponseWait(src); err == nil || !strings.Contains(err.Error(), "number of seconds") {
			t.Errorf("%s: %v", src, err)
		}
	}
	if (ResponseWait{}).Seconds(r) != 0 || !(ResponseWait{}).IsZero() {
		t.Error("the zero expression asks for something")
	}
}

func TestResponseJudge(t *testing.T) {
	for _, test := range []struct {
		src, body    string
		holds, lacks bool
	}{
		{`response.json.ok`, `{"ok":true}`, true, false},
		{`response.json.ok`, `{"ok":false}`, false, false},
		{`response.json.ok`, `{"ok":tr`, false, true},
		{`has(response.json) && response.json.ok`, `{"ok":tr`, false, true},
		{`response.status == 201 && response.json.ok`, `{"ok":tr`, false, false},
		{`response.body.contains("ok")`, `{"ok":tr`, true, false},
	} {
		c, err := CompileResponse(test.src)
		if err != nil {
			t.Fatal(err)
		}
		if holds, lacks := c.Judge(Response{Status: 200, Body: []byte(test.body)}); holds != test.holds || lacks != test.lacks {
			t.Errorf("%s of %s: %v, %v", test.src, test.body, holds, lacks)
		}
	}
}
