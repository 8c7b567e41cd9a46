package expr

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// withResults returns a view in which steps have results.
func withResults(t *testing.T, results map[string]string) *View {
	t.Helper()
	all := map[string]Result{}
	for name, text := range results {
		r, err := ParseResult(text)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = r
	}
	return NewRendering(full(), Rendering{Steps: all, Remembered: all, Budget: NewBudget(maxText)})
}

func TestResultsInTemplates(t *testing.T) {
	for _, c := range []struct {
		src     string
		results map[string]string
		want    string
	}{
		{`{a: "${steps.contact}"}`, map[string]string{"contact": `"301"`}, `{"a":"301"}`},
		{`{a: "${steps.contact}"}`, map[string]string{"contact": `301`}, `{"a":301}`},
		{`{a: "${steps.contact}", b: 1}`, nil, `{"b":1}`},
		{`{a: "${steps.contact}", b: 1}`, map[string]string{"contact": `null`}, `{"b":1}`},
		{`{who: {id: "${steps.who.Id}"}, b: 1}`, nil, `{"b":1}`},
		{`{who: {id: "${steps.who.Id}"}, b: 1}`, map[string]string{"who": `{"Id":"003"}`}, `{"who":{"id":"003"},"b":1}`},
		{`{a: "${remembered.call == '' ? 'POST' : 'PUT'}"}`, nil, `{"a":"POST"}`},
		{`{a: "${remembered.call == '' ? 'POST' : 'PUT'}"}`, map[string]string{"call": "77"}, `{"a":"PUT"}`},
		{`{a: "${steps.person == 0}", b: "${steps.person != ''}"}`, nil, `{"a":false,"b":false}`},
		{`{a: "${has(steps.who)}", b: "${has(steps.who.Id)}"}`, nil, `{"a":false,"b":false}`},
		{`{a: "x-${steps.contact}-y"}`, nil, `{"a":"x--y"}`},
		{`{a: "${steps.ids[0]}"}`, map[string]string{"ids": `[12345678901234567]`}, `{"a":12345678901234567}`},
	} {
		var node yaml.Node
		if err := yaml.Unmarshal([]byte(c.src), &node); err != nil {
			t.Fatal(err)
		}
		tree, err := parseTree(&node)
		if err != nil {
			t.Fatalf("%s: %v", c.src, err)
		}
		got, err := tree.JSON(withResults(t, c.results))
		if err != nil || string(got) != c.want {
			t.Errorf("%s with %v: %s, %v; want %s", c.src, c.results, got, err, c.want)
		}
	}
}

func TestGuard(t *testing.T) {
	for src, want := range map[string]bool{
		`steps.contact != ""`:                          true,
		`steps.contact == ""`:                          false,
		`steps.nobody == ""`:                           true,
		`steps.nobody.id == "1"`:                       false, // has no value
		`call.hangup.q850 == 16 && has(steps.contact)`: true,
	} {
		g, err := compileGuard(src)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := g.Holds(withResults(t, map[string]string{"contact": "7"})); got != want || err != nil {
			t.Errorf("%s: %v, %v, want %v", src, got, err, want)
		}
	}
	if _, err := compileGuard(`steps.contact`); err != nil {
		t.Errorf("a result may be true or false: %v", err)
	}
	if _, err := compileGuard(`"yes"`); err == nil {
		t.Error("a text is taken for a condition")
	}
}

func TestUsesOfSteps(t *testing.T) {
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(`{a: [{b: "${steps.one}"}], c: "${remembered.two + steps.one}", d: {when: 'steps.three != ""', e: 1}}`), &node); err != nil {
		t.Fatal(err)
	}
	tree, err := parseTree(&node)
	if err != nil {
		t.Fatal(err)
	}
	want := []StepUse{{"steps", "one", "a[0].b"}, {"remembered", "two", "c"}, {"steps", "one", "c"}, {"steps", "three", "d"}}
	if diff := cmp.Diff(want, tree.Uses()); diff != "" {
		t.Error(diff)
	}
	for _, src := range []string{`steps`, `steps["one"]`, `toJSON(remembered)`, `steps == remembered`} {
		if _, err := compileTemplate(src); err == nil {
			t.Errorf("%s is taken", src)
		}
	}
	if _, err := CompileCondition(`steps.one != ""`); err == nil {
		t.Error("a rule reads the result of a step")
	}
}

func TestScopeOfSteps(t *testing.T) {
	scope := StepScope{Steps: []string{"contact"}, Later: []string{"call", "link"}, Remembered: []string{"call"}}
	for _, c := range []struct {
		variable, step, want string
	}{
		{"steps", "contact", ""},
		{"remembered", "call", ""},
		{"steps", "call", "no result yet"},
		{"remembered", "contact", "remember: true"},
		{"steps", "contakt", `did you mean "contact"?`},
		{"steps", "zzz", `there is no step "zzz"`},
	} {
		got := scope.Problem(StepUse{Variable: c.variable, Step: c.step})
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s.%s: %q, want %q", c.variable, c.step, got, c.want)
		}
	}
	for name, want := range map[string]bool{"contact": true, "new_lead2": true, "": false, "New": false, "a-b": false, "2x": false, "in": false, strings.Repeat("a", 33): false} {
		if got := StepName(name); got != want {
			t.Errorf("StepName(%q) = %v", name, got)
		}
	}
}

func TestResultOfAnswer(t *testing.T) {
	for _, c := range []struct {
		src    string
		answer Response
		want   string
		fails  bool
	}{
		{src: `response.json.id`, answer: Response{Body: []byte(`{"id":17}`)}, want: `17`},
		{src: `response.json.results[0]`, answer: Response{Body: []byte(`{"results":[{"id":"3","n":1.50}]}`)}, want: `{"id":"3","n":1.50}`},
		{src: `response.headers["location"]`, answer: Response{Header: http.Header{"Location": {"/calls/9"}}}, want: `"/calls/9"`},
		{src: `response.json.id`, answer: Response{Status: 204}},
		{src: `response.status == 204 ? "" : response.json.id`, answer: Response{Status: 204}, want: `""`},
		{src: `response.json.id`, answer: Response{Body: []byte(`<html>`)}, fails: true},
		{src: `response.json.results[0]`, answer: Response{Body: []byte(`{"results":[]}`)}, fails: true},
		{src: `response.body`, answer: Response{Body: []byte(strings.Repeat("a", MaxResult))}, fails: true},
	} {
		r, err := compileResponseResult(c.src)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Of(c.answer)
		if got.JSON() != c.want || (err != nil) != c.fails {
			t.Errorf("%s of %+v: %s, %v; want %s", c.src, c.answer, got.JSON(), err, c.want)
		}
	}
}

func TestResultAsText(t *testing.T) {
	for json, want := range map[string]string{`"a\nb"`: "a\nb", `17`: "17", `-3`: "-3", `null`: "", ``: ""} {
		if got, ok := (Result{json}).Text(); got != want || !ok {
			t.Errorf("%s: %q, %v", json, got, ok)
		}
	}
	for _, json := range []string{`true`, `[]`, `{"a":1}`} {
		if got, ok := (Result{json}).Text(); ok {
			t.Errorf("%s is the text %q", json, got)
		}
	}
	for json, want := range map[string]bool{"": true, `""`: true, `0`: true, `null`: true, `[]`: true, `{}`: true, `false`: false, `"0"`: false} {
		if got := (Result{json}).IsEmpty(); got != want {
			t.Errorf("%s is empty: %v", json, got)
		}
	}
	if _, err := ParseResult(strings.Repeat("a", MaxResult)); !errors.Is(err, errLongResult) {
		t.Errorf("a result that is too long: %v", err)
	}
}

// All steps of a delivery have one budget.
func TestBudgetOfSteps(t *testing.T) {
	text, err := ParseText("${call.raw.s}-0123456789")
	if err != nil {
		t.Fatal(err)
	}
	budget := NewBudget(30)
	for i, ok := range []bool{true, false} {
		v := NewRendering(full(), Rendering{Budget: budget})
		if _, err := text.String(v); (err == nil) != ok {
			t.Errorf("step %d: %v", i, err)
		}
		budget = v.Left()
	}
	loop, err := ParseText(`${call.raw.l.map(a, call.raw.l.map(b, a + b)).size()}`)
	if err != nil {
		t.Fatal(err)
	}
	cost := func(b Budget) uint64 {
		v := NewRendering(full(), Rendering{Budget: b})
		if _, err := loop.String(v); err != nil {
			t.Fatal(err)
		}
		return v.Left().spent
	}
	b := NewBudget(1000)
	first := cost(b)
	b.spent = first
	if second := cost(b); first == 0 || second != 2*first {
		t.Errorf("one step costs %d, two %d", first, second)
	}
	b.spent = maxRenderCost
	if _, err := loop.String(NewRendering(full(), Rendering{Budget: b})); !errors.Is(err, ErrCost) {
		t.Errorf("with nothing left: %v", err)
	}
}

func TestSubjects(t *testing.T) {
	for src, want := range map[string]Subject{
		`digits(call.customer.number)`:  AsksNumber,
		`call.agent.email`:              AsksAgent,
		`call.from.raw + call.agent.id`: AsksNumber | AsksAgent,
		`call.id`:                       0,
	} {
		text, err := ParseText("${" + src + "}")
		if err != nil {
			t.Fatal(err)
		}
		if got := text.Subject(); got != want {
			t.Errorf("%s asks for %v, want %v", src, got, want)
		}
	}
}
