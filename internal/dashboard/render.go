package dashboard

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
)

// frame is what every page shows around its own content.
type frame struct {
	Title   string
	Section string // the first part of the path, for the navigation
	Show    bool   // numbers are shown
	masker  call.Masker
	Status  operate.Status
	// failed is why the status is only that of the server itself.
	failed  error
	Letters int64 // dead letters of both stages
	Said    string
	Asked   bool // by GET: the page has an address
	now     time.Time
	here    url.URL
}

func (b *Dashboard) frame(r *http.Request, title string) frame {
	section, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	f := frame{
		Title: title, Section: section, Show: r.URL.Query().Get("numbers") == "show",
		Said: said(r.URL.Query()), Asked: r.Method != http.MethodPost, now: b.Now(), here: *r.URL,
	}
	f.Status, f.failed = b.Operate.Status(r.Context())
	f.Letters = f.Status.DeadLetters.Intake + f.Status.DeadLetters.Delivery
	return f
}

// URL returns the address of a page, numbers shown or masked as on this one.
func (f frame) URL(path string) string {
	if !f.Show {
		return path
	}
	if strings.Contains(path, "?") {
		return path + "&numbers=show"
	}
	return path + "?numbers=show"
}

// Call and Letter give the address of one.
func (f frame) Call(id string) string { return f.URL("/calls/" + url.PathEscape(id)) }

// Letter returns the address of a dead letter.
func (f frame) Letter(id string) string { return f.URL("/dead-letters/" + url.PathEscape(id)) }

// SinkAt and SourceAt return the address of one.
func (f frame) SinkAt(name string) string { return f.URL("/sinks/" + url.PathEscape(name)) }

// SourceAt returns the address of a source.
func (f frame) SourceAt(name string) string { return f.URL("/sources/" + url.PathEscape(name)) }

// Toggle returns the address of this page with numbers the other way. A page that
// answered a form has no address that could be asked for again.
func (f frame) Toggle() string {
	q := f.here.Query()
	q.Del("said")
	q.Del("n")
	q.Del("numbers")
	if !f.Show {
		q.Set("numbers", "show")
	}
	u := url.URL{Path: f.here.Path, RawPath: f.here.RawPath, RawQuery: q.Encode()}
	return u.String()
}

// Now is the time of the page.
func (f frame) Now() time.Time { return f.now }

// Uptime is how long the server has been up.
func (f frame) Uptime() string { return operate.Span(f.now.Sub(f.Status.StartedAt.Time)) }

// Number masks a number unless numbers are shown.
func (f frame) Number(n string) string {
	if f.Show {
		return n
	}
	return call.Mask(n)
}

// Text masks the numbers in a text about the call of the page unless numbers are
// shown.
func (f frame) Text(s string) string {
	if f.Show {
		return s
	}
	return f.masker.Text(s)
}

// Body masks the numbers in a body unless numbers are shown.
func (f frame) Body(s string) string {
	if f.Show {
		return s
	}
	return f.masker.Body(s)
}

// Ago says how long ago a moment was, or how far ahead it is.
func (f frame) Ago(t any) string {
	at := timeOf(t)
	if at.IsZero() {
		return ""
	}
	return operate.Ago(at, f.now)
}

// FailureWords says what a sink answered last, and how long ago.
func (f frame) FailureWords(last *operate.SinkFailure) string { return last.Words(f.now) }

func funcs(c clock) template.FuncMap {
	return template.FuncMap{
		"stamp": c.stamp,
		"utc":   inUTC,
		"iso":   func(t any) string { return format(t, time.UTC, time.RFC3339) },
		"typed": c.typed,
		"field": func(t any) string { return format(t, c.zone(), "2006-01-02T15:04") },
		"zone":  func() string { return c.zone().String() },
		"words": operate.Words,
		"plain": func(code any) string { return spoken(fmt.Sprint(code)) },
		"todo":  operate.Advice,
		"tone":  operate.Tone,
		"who":   who,
		"count": count,
		"ms":    operate.Millis,
		"join":  func(words []string) string { return strings.Join(words, ", ") },
	}
}

// count writes a whole number with thin gaps between the thousands.
func count(n any) string {
	text := fmt.Sprintf("%v", n)
	if v, ok := n.(float64); ok {
		text = fmt.Sprintf("%.0f", v)
	}
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "\u202f" + text[i:]
	}
	return text
}

func parsePages(c clock) (map[string]*template.Template, error) {
	names := []string{"overview", "calls", "call", "letters", "groups", "letter", "sink", "source", "confirm", "resend", "events", "playground", "configuration", "error"}
	out := map[string]*template.Template{}
	for _, name := range names {
		t, err := template.New("layout.html").Funcs(funcs(c)).ParseFS(templateFiles, "templates/layout.html", "templates/"+name+".html")
		if err != nil {
			return nil, fmt.Errorf("page %s: %w", name, err)
		}
		out[name] = t
	}
	return out, nil
}

// render writes a page, or nothing where its template fails.
func (b *Dashboard) render(w http.ResponseWriter, status int, page string, data any) error {
	var out bytes.Buffer
	if err := b.pages[page].Execute(&out, data); err != nil {
		return fmt.Errorf("page %s: %w", page, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = out.WriteTo(w) // a reader who is gone gets nothing
	return nil
}

// see answers a change with the page that shows what became of it.
func (b *Dashboard) see(w http.ResponseWriter, r *http.Request, path, what string, n int) error {
	return b.seeAt(w, r, path, url.Values{}, what, n)
}

// seeAt does so with a query of the page.
func (b *Dashboard) seeAt(w http.ResponseWriter, r *http.Request, path string, q url.Values, what string, n int) error {
	q.Set("said", what)
	q.Set("n", fmt.Sprint(n))
	if r.URL.Query().Get("numbers") == "show" {
		q.Set("numbers", "show")
	}
	w.Header().Set("Location", path+"?"+q.Encode())
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
