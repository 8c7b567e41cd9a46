package dashboard

import (
	"net/http"
	"strings"

	"github.com/cdrelay/cdrelay/internal/operate"
)

// eventsPage lists what operators did.
type eventsPage struct {
	frame
	Filter struct{ Sink, Call, Since, Until string }
	Sinks  []string
	Events []operate.Event
	Nearby nearby
}

func (b *Dashboard) events(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	p := eventsPage{frame: b.frame(r, "Events")}
	if p.failed != nil {
		return p.failed
	}
	for _, s := range p.Status.Sinks {
		p.Sinks = append(p.Sinks, s.Name)
	}
	p.Filter.Sink, p.Filter.Call, p.Filter.Since, p.Filter.Until = q.Get("sink"), q.Get("call"), q.Get("since"), q.Get("until")
	f := operate.EventFilter{Sink: p.Filter.Sink, CallID: p.Filter.Call}
	var err error
	if f.Since, f.Until, err = b.between(q); err != nil {
		return err
	}
	found, err := b.Operate.Events(r.Context(), f, pageSize, q.Get("cursor"))
	if err != nil {
		return err
	}
	p.Events = found.Items
	p.Nearby = nearbyOf(r.URL, found.NextCursor, len(found.Items) == 0)
	return b.render(w, http.StatusOK, "events", p)
}

// who says by which token, from where and through what something was done.
func who(e operate.Event) string {
	text := map[string]string{
		operate.TokenNone: "somebody without a token", operate.TokenSignal: "a signal", operate.TokenFile: "a change of a file", operate.TokenCommand: "a command without a server",
	}[e.Token]
	if text == "" {
		text = e.Token
	}
	if e.Address != "" {
		text += " from " + e.Address
	}
	switch e.Via {
	case "page":
		return text + ", in the page"
	case "api":
		return text + ", by the API"
	default:
		return text
	}
}

// operators adds what operators did.
func (t *timeline) operators() {
	for _, e := range t.detail.Events {
		detail := "By " + who(e)
		if e.Detail != "" {
			detail += ": " + t.Text(e.Detail)
		}
		did := event{At: e.At.Time, Tone: operate.Tone(e.Action), What: operate.Words(e.Action), Detail: detail}
		switch len(e.Sinks) {
		case 0:
		case 1:
			did.Sink = e.Sinks[0]
		default: // a link leads to one
			did.What += ": " + strings.Join(e.Sinks, ", ")
		}
		t.add(did)
	}
}
