package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
)

// lettersPage lists dead letters.
type lettersPage struct {
	frame
	Filter  letterFields
	Reasons []string
	Sinks   []string
	Names   []string // of sources
	Items   []operate.LetterItem
	Nearby  nearby
}

// letterFields are the fields of the filter as typed; they go through every form
// that acts on all that match.
type letterFields struct{ Stage, Sink, Source, Reason, Number, Answer, Since, Until string }

func letterFieldsOf(q url.Values) letterFields {
	return letterFields{
		q.Get("stage"), q.Get("sink"), q.Get("source"), q.Get("reason"), q.Get("number"), q.Get("answer"), q.Get("since"), q.Get("until"),
	}
}

// query writes the fields that are used.
func (f letterFields) query() string {
	q := url.Values{}
	for name, value := range map[string]string{
		"stage": f.Stage, "sink": f.Sink, "source": f.Source, "reason": f.Reason, "number": f.Number, "answer": f.Answer, "since": f.Since, "until": f.Until,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q.Encode()
}

// List and Groups are the addresses of what the filter selects.
func (f letterFields) List() string { return "/dead-letters?" + f.query() }

// Groups returns the address of the groups of what the filter selects.
func (f letterFields) Groups() string { return "/dead-letters/groups?" + f.query() }

// Any reports whether the filter selects less than all.
func (f letterFields) Any() bool { return f != letterFields{} }

// filter reads the fields.
func (b *Dashboard) filter(f letterFields) (operate.LetterFilter, error) {
	q := url.Values{
		"stage": {f.Stage}, "sink": {f.Sink}, "source": {f.Source}, "reason": {f.Reason}, "number": {f.Number}, "answer": {f.Answer},
		"since": {f.Since}, "until": {f.Until},
	}
	out := operate.LetterFilterOf(q.Get)
	var err error
	if out.Since, out.Until, err = b.between(q); err != nil {
		return out, err
	}
	return out, operate.CheckLetters(out)
}

// lettersFrame is what the list and the groups have in common.
func (b *Dashboard) lettersFrame(r *http.Request) (lettersPage, operate.LetterFilter, error) {
	p := lettersPage{frame: b.frame(r, "Dead letters"), Filter: letterFieldsOf(r.URL.Query())}
	if p.failed != nil {
		return p, operate.LetterFilter{}, p.failed
	}
	for _, reason := range operate.Reasons() {
		p.Reasons = append(p.Reasons, string(reason))
	}
	for _, s := range p.Status.Sinks {
		p.Sinks = append(p.Sinks, s.Name)
	}
	for _, s := range p.Status.Sources {
		p.Names = append(p.Names, s.Name)
	}
	f, err := b.filter(p.Filter)
	return p, f, err
}

func (b *Dashboard) letters(w http.ResponseWriter, r *http.Request) error {
	p, f, err := b.lettersFrame(r)
	if err != nil {
		return err
	}
	found, _, err := search(r.Context(), r.URL.Query().Get("cursor"), func(ctx context.Context, cursor string) (operate.Page[operate.LetterItem], error) {
		return b.Operate.Letters(ctx, f, pageSize, cursor)
	})
	if err != nil {
		return err
	}
	p.Items, p.Nearby = found.Items, nearbyOf(r.URL, found.NextCursor, len(found.Items) == 0)
	return b.render(w, http.StatusOK, "letters", p)
}

// groupsPage lists what dead letters have in common.
type groupsPage struct {
	lettersPage
	Groups []group
	// Reached is how far back was looked; zero where all were.
	Reached call.Time
}

// group is a line of the groups, with the fields that select it.
type group struct {
	operate.LetterGroup
	Fields letterFields
}

// sumFor is how long dead letters are counted into groups: a part of them says little.
const sumFor = time.Second

// groups shows the groups of the dead letters that a second reaches, newest first.
func (b *Dashboard) groups(w http.ResponseWriter, r *http.Request) error {
	common, f, err := b.lettersFrame(r)
	if err != nil {
		return err
	}
	p := groupsPage{lettersPage: common}
	var sum operate.LetterGroups
	cursor := r.URL.Query().Get("cursor")
	for end := time.Now().Add(sumFor); ; {
		page, err := b.Operate.Groups(r.Context(), f, cursor)
		if err != nil {
			return err
		}
		for _, g := range page.Items {
			sum.Add(g)
		}
		cursor, p.Reached = page.NextCursor, page.ReachedAt
		if cursor == "" || time.Now().After(end) {
			break
		}
	}
	for _, g := range sum.All() {
		fields := p.Filter
		fields.Stage, fields.Sink, fields.Source, fields.Reason, fields.Answer = string(g.Stage), g.Sink, g.Source, string(g.Reason), g.Answer
		p.Groups = append(p.Groups, group{g, fields})
	}
	p.Nearby = nearbyOf(r.URL, cursor, false)
	return b.render(w, http.StatusOK, "groups", p)
}
