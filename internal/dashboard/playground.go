package dashboard

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// playgroundPage takes a callback and shows what would become of it.
type playgroundPage struct {
	frame
	Can    bool
	Source string
	Body   string
	// Problem says why there is no answer.
	Problem string
	Answer  *explanation
}

// explanation is what the page shows of the answer of explain.
type explanation struct {
	Result   string          `json:"result"`
	Reason   string          `json:"reason"`
	Format   string          `json:"format"`
	Record   json.RawMessage `json:"record"`
	Rules    []explainedRule `json:"rules"`
	Sinks    []string        `json:"sinks"`
	Requests []request       `json:"requests"`
	// Text is the record laid out.
	Text string `json:"-"`
}

type explainedRule struct {
	Name   string   `json:"name"`
	Result string   `json:"result"`
	Why    string   `json:"why"`
	When   string   `json:"when"`
	To     []string `json:"to"`
}

// request is what a sink would get.
type request struct {
	Sink    string            `json:"sink"`
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Error   string            `json:"error"`
	// Text is the request laid out.
	Text string `json:"-"`
}

func (b *Dashboard) playground(w http.ResponseWriter, r *http.Request) error {
	p := b.playgroundPage(r)
	p.Source = r.URL.Query().Get("source")
	return b.render(w, http.StatusOK, "playground", p)
}

func (b *Dashboard) playgroundPage(r *http.Request) playgroundPage {
	return playgroundPage{frame: b.frame(r, "Playground"), Can: b.Explain != nil}
}

func (b *Dashboard) explain(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	p := b.playgroundPage(r)
	p.Show = r.Form.Get("numbers") == "show"
	p.Source, p.Body = r.PostForm.Get("source"), r.PostForm.Get("body")
	switch {
	case !p.Can:
		p.Problem = "There is no playground here."
	case strings.TrimSpace(p.Body) == "":
		p.Problem = "Paste a callback first: the body that the platform posts."
	default:
		answer, err := b.Explain(r.Context(), p.Source, []byte(p.Body))
		if err != nil {
			p.Problem = err.Error()
			break
		}
		if p.Answer, err = p.read(answer); err != nil {
			return err
		}
	}
	return b.render(w, http.StatusOK, "playground", p)
}

// read takes the answer in its form as JSON, so that this page and the API say
// the same.
func (p *playgroundPage) read(answer any) (*explanation, error) {
	text, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("explanation: %w", err)
	}
	var x explanation
	if err := json.Unmarshal(text, &x); err != nil {
		return nil, fmt.Errorf("explanation: %w", err)
	}
	if p.knows(x.Record).ID != "" { // there is none without a call
		x.Text, _ = p.layOut(x.Record)
	}
	for i, q := range x.Requests {
		x.Requests[i].Text = p.layOutRequest(q)
	}
	for i, rule := range x.Rules {
		x.Rules[i].Why = p.Text(rule.Why)
	}
	return &x, nil
}

func (p *playgroundPage) layOutRequest(q request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", q.Method, p.Text(q.URL))
	for _, name := range slices.Sorted(maps.Keys(q.Headers)) {
		fmt.Fprintf(&b, "%s: %s\n", name, p.Text(q.Headers[name]))
	}
	return b.String() + "\n" + p.frame.Body(indent([]byte(q.Body)))
}
