package dashboard

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/operate"
)

// sinkPage shows one sink: how it is and why, what waits, what was delivered.
type sinkPage struct {
	frame
	sinkRow
	Windows []windowRow
	Reasons []reasonRow
	// Sent is the request of the last failure, Answer the headers that came back.
	Sent, Answer string
}

// windowRow is one line of what happened lately.
type windowRow struct {
	Name string
	operate.Window
	// Done are the results, the most frequent first.
	Done []resultCount
}

// resultCount is how often there was a result.
type resultCount struct {
	Result string
	Count  int
}

// reasonRow is how many dead letters there are for a reason.
type reasonRow struct {
	Reason operate.Reason
	Count  int64
}

func (b *Dashboard) sink(w http.ResponseWriter, r *http.Request) error {
	s, err := b.Operate.Sink(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	p := sinkPage{frame: b.frame(r, "Sink "+s.Name), sinkRow: sinkRow{s}, Windows: windowsOf(s.Recent)}
	if p.failed != nil {
		return p.failed
	}
	for reason, n := range s.DeadLettersByReason {
		p.Reasons = append(p.Reasons, reasonRow{reason, n})
	}
	slices.SortFunc(p.Reasons, func(a, b reasonRow) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	if f := s.LastFailure; f != nil && f.Request != nil {
		p.Sent = strings.TrimSpace(f.Request.Method + " " + f.Request.URL + "\n\n" + f.Request.Body)
		for _, name := range slices.Sorted(maps.Keys(f.Headers)) {
			p.Answer += name + ": " + f.Headers[name] + "\n"
		}
	}
	return b.render(w, http.StatusOK, "sink", p)
}

// windowsOf returns the windows as lines; none where nothing is counted.
func windowsOf(r *operate.Recent) []windowRow {
	if r == nil {
		return nil
	}
	rows := []windowRow{{Name: "5 minutes", Window: r.FiveMinutes}, {Name: "hour", Window: r.Hour}, {Name: "day", Window: r.Day}}
	for i := range rows {
		for result, n := range rows[i].Results {
			rows[i].Done = append(rows[i].Done, resultCount{result, n})
		}
		slices.SortFunc(rows[i].Done, func(a, b resultCount) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Result, b.Result))
		})
	}
	return rows
}

// Tone says how good a success rate is.
func (w windowRow) Tone() string {
	switch {
	case w.SuccessRate == nil:
		return "calm"
	case *w.SuccessRate >= .99:
		return "good"
	case *w.SuccessRate >= .9:
		return "wait"
	default:
		return "bad"
	}
}

// Percent is the success rate; empty where nothing happened.
func (w windowRow) Percent() string {
	if w.SuccessRate == nil {
		return ""
	}
	return operate.Percent(*w.SuccessRate)
}

func (b *Dashboard) pause(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	p := operate.PauseRequest{For: r.PostForm.Get("for"), Reason: r.PostForm.Get("reason")}
	if _, err := b.Operate.Pause(r.Context(), r.PathValue("name"), p); err != nil {
		return err
	}
	return b.see(w, r, cameFrom(r), "paused", 0)
}

func (b *Dashboard) resume(w http.ResponseWriter, r *http.Request) error {
	if _, err := b.Operate.Resume(r.Context(), r.PathValue("name")); err != nil {
		return err
	}
	return b.see(w, r, cameFrom(r), "resumed", 0)
}

// cameFrom is the page with the button: that of the sink, where the form says so, or
// the overview.
func cameFrom(r *http.Request) string {
	if r.FormValue("from") == "sink" {
		return fmt.Sprintf("/sinks/%s", r.PathValue("name"))
	}
	return "/"
}
