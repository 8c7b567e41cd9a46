package dashboard

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/operate"
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

// explanation is an answer of explain, laid out.
type explanation struct {
	*operate.Explanation
	// Text is the record; empty without one.
	Text  string
	Shown []shownRequest
}

// shownRequest is what a sink would get.
type shownRequest struct{ Sink, Error, Text string }

func (b *Dashboard) playground(w http.ResponseWriter, r *http.Request) error {
	p := b.playgroundPage(r)
	p.Source = r.URL.Query().Get("source")
	return b.render(w, http.StatusOK, "playground", p)
}

func (b *Dashboard) playgroundPage(r *http.Request) playgroundPage {
	return playgroundPage{frame: b.frame(r, "Playground"), Can: b.Operate.Explains()}
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
		answer, err := b.Operate.Explain(r.Context(), p.Source, []byte(p.Body))
		if err != nil {
			p.Problem = err.Error()
			break
		}
		p.Answer = p.layOutAnswer(answer)
	}
	return b.render(w, http.StatusOK, "playground", p)
}

func (p *playgroundPage) layOutAnswer(x *operate.Explanation) *explanation {
	out := &explanation{Explanation: x}
	if x.Record != nil {
		text := x.Record.JSON()
		p.knows(text)
		out.Text, _ = p.layOut(text)
	}
	for _, q := range x.Requests {
		shown := shownRequest{Sink: q.Sink, Error: q.Error}
		if q.Step != "" {
			shown.Sink += ", step " + q.Step
		}
		if q.Skipped != "" {
			shown.Error = "not made: " + q.Skipped
		}
		if shown.Error == "" {
			shown.Text = p.layOutRequest(q.Method, q.URL, q.Headers, q.Body)
		}
		out.Shown = append(out.Shown, shown)
	}
	return out
}

func (p *playgroundPage) layOutRequest(method, address string, header map[string]string, body string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", method, p.Text(address))
	for _, name := range slices.Sorted(maps.Keys(header)) {
		fmt.Fprintf(&b, "%s: %s\n", name, p.Text(header[name]))
	}
	return b.String() + "\n" + p.frame.Body(indent([]byte(body)))
}
