package dashboard

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
)

// callPage shows one call.
type callPage struct {
	frame
	ID     string
	Newest call.Record
	// Record and Raw are the newest revision, laid out.
	Record, Raw string
	Revisions   int
	Timeline    []event
	// Others are the latest other calls of its number.
	Others []operate.OtherCall
	// Sinks may be asked to take the call once more.
	Sinks []resendRow
}

// resendRow is a sink that the call can be sent to again.
type resendRow struct {
	Name string
	// State is where the newest revision is there; empty when it was never
	// owed to the sink.
	State string
}

func (b *Dashboard) call(w http.ResponseWriter, r *http.Request) error {
	detail, err := b.Operate.Call(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	newest := detail.Revisions[len(detail.Revisions)-1]
	p := callPage{frame: b.frame(r, "Call"), ID: detail.ID, Revisions: len(detail.Revisions), Others: detail.Others}
	if p.failed != nil {
		return p.failed
	}
	p.Newest = p.knows(newest.Kept)
	p.Record, p.Raw = p.layOut(newest.Kept)
	t := timeline{frame: p.frame, detail: detail, sinks: p.sinks()}
	p.Timeline = t.events()
	for _, s := range t.sinks {
		if s.Configured {
			p.Sinks = append(p.Sinks, resendRow{s.Name, stateAt(detail.Deliveries, s.Name, newest.Revision)})
		}
	}
	return b.render(w, http.StatusOK, "call", p)
}

// Resend is the address of the form.
func (p callPage) Resend() string { return p.URL("/calls/" + url.PathEscape(p.ID) + "/resend") }

func stateAt(all []operate.DeliveryDetail, sink string, revision int) string {
	for _, d := range all {
		if d.Sink == sink && d.Revision == revision {
			return d.State
		}
	}
	return ""
}

// layOut lays out a record without its raw callback, and the callback. Text that is
// no record is laid out as it is.
func (f frame) layOut(text []byte) (record, raw string) {
	r := operate.RecordOf(text)
	if r == nil {
		return f.Body(indent(text)), ""
	}
	if !f.Show {
		r = f.masker.Record(r)
	}
	raw = indent(r.Raw)
	r.Raw = nil
	return indent(r.JSON()), raw
}

// knows makes the numbers of a record known to the page, and returns the record; of a
// damaged one, which is shown as it is, an empty one.
func (f *frame) knows(text []byte) call.Record {
	r := operate.RecordOf(text)
	f.masker = r.Masker()
	if r == nil {
		return call.Record{}
	}
	return *r
}

// event is one line of what happened to a call.
type event struct {
	At   time.Time
	Tone string
	What string
	// Sink is empty for what concerns the call as a whole; SinkAt is its address.
	Sink, SinkAt string
	// Detail is the evidence, Do what to do.
	Detail, Do string
	// Sent is what an attempt sent that did not deliver, and Answer what came back
	// beside the text.
	Sent, Answer string
	// Address is that of the dead letter.
	Address string
	// Ahead marks what has not happened yet, Timeless what has no time.
	Ahead, Timeless bool
	order           int
}

// timeline collects what happened to a call.
type timeline struct {
	frame
	detail operate.CallDetail
	sinks  []sinkRow
	out    []event
}

func (t *timeline) events() []event {
	for _, rev := range t.detail.Revisions {
		t.received(rev)
	}
	for _, d := range t.detail.Deliveries {
		for _, a := range d.Attempts {
			t.attempt(d.Sink, a)
		}
		t.standing(d)
	}
	t.operators()
	slices.SortStableFunc(t.out, func(a, b event) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.order, b.order))
	})
	return t.out
}

func (t *timeline) add(e event) {
	e.order = len(t.out)
	if e.Sink != "" {
		e.SinkAt = t.SinkAt(e.Sink)
	}
	t.out = append(t.out, e)
}

func (t *timeline) received(rev operate.Revision) {
	r := operate.RecordOf(rev.Record)
	if r == nil { // shown without its source
		r = new(call.Record)
	}
	what := "Received from " + r.Source
	if rev.Revision > 1 {
		what = fmt.Sprintf("Received again from %s with new content: revision %d", r.Source, rev.Revision)
	}
	e := event{At: rev.ReceivedAt.Time, Tone: "calm", What: what}
	if len(r.Warnings) > 0 {
		e.Tone, e.Detail = "wait", t.Text("Odd in the callback: "+strings.Join(r.Warnings, "; "))
	}
	t.add(e)
	var sinks []string
	for _, d := range t.detail.Deliveries {
		if d.Revision == rev.Revision {
			sinks = append(sinks, d.Sink)
		}
	}
	routed := event{At: rev.ReceivedAt.Time, Tone: "calm", What: "Routed to " + strings.Join(sinks, ", ")}
	if len(rev.Rules) > 0 {
		routed.Detail = "Rules that matched: " + strings.Join(rev.Rules, "; ")
	}
	if len(sinks) == 0 {
		routed.What = "No rule gave it to a sink, so nobody got it"
		routed.Do = "Try the callback in the playground: it says why each rule did not match."
	}
	t.add(routed)
}

func (t *timeline) attempt(sink string, a operate.Attempt) {
	e := event{At: a.At, Tone: operate.Tone(a.Result), What: operate.Words(a.Result), Sink: sink, Detail: t.evidence(a)}
	e.Sent, e.Answer = t.sent(a)
	switch a.Result {
	case "delivered":
		e.What = "Attempt delivered it"
		if a.Step != "" {
			e.What = "Taken"
		}
	case "rejected", "render": // its dead letter says what to do
	default:
		e.Do = operate.Advice(a.Result)
	}
	if a.Step != "" {
		e.What = "Step " + a.Step + ": " + e.What
	}
	t.add(e)
}

// sent lays out the request of an attempt and the headers of its answer.
func (t *timeline) sent(a operate.Attempt) (request, answer string) {
	if r := a.Request; r != nil {
		request = strings.TrimSpace(t.Text(r.Method+" "+r.URL) + "\n\n" + t.Body(r.Body))
	}
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(a.Headers)) {
		lines = append(lines, t.Text(name+": "+a.Headers[name]))
	}
	return request, strings.Join(lines, "\n")
}

// evidence is what an attempt saw, and how long it took.
func (t *timeline) evidence(a operate.Attempt) string {
	seen := t.Text(a.Detail)
	status := strings.TrimSpace(fmt.Sprintf("%d %s", a.Status, http.StatusText(a.Status)))
	if a.Status != 0 && !strings.HasPrefix(seen, status) {
		seen = strings.TrimSuffix(status+": "+seen, ": ")
	}
	took := fmt.Sprintf("%d ms", a.Millis)
	if a.Warning != "" {
		took += "; " + t.Text(a.Warning)
	}
	if seen == "" {
		return took
	}
	return seen + " (" + took + ")"
}

// standing adds the state that a delivery is in now.
func (t *timeline) standing(d operate.DeliveryDetail) {
	e := event{At: d.EndedAt.Time, Tone: operate.Tone(d.State), What: operate.Words(d.State), Sink: d.Sink, Do: operate.Advice(d.State)}
	switch d.State {
	case "delivered":
		if n := len(d.Attempts); n > 0 && d.Attempts[n-1].Result == "delivered" {
			return // its attempt has told
		}
	case "waiting":
		t.waiting(d, &e)
	case "held":
		e.Ahead, e.Timeless, e.At = true, true, t.now
	case "dead_letter":
		if d.DeadLetter != "" {
			e.Address, e.Do = t.Letter(d.DeadLetter), operate.Advice(d.Reason)
			if n := len(d.Attempts); n == 0 || !strings.HasPrefix(t.evidence(d.Attempts[n-1]), t.Text(d.Why)) {
				e.Detail = t.Text(d.Why)
			}
			e.What = "Dead letter: " + operate.Words(d.Reason)
		}
	default:
	}
	t.add(e)
}

// waiting says what a delivery waits for.
func (t *timeline) waiting(d operate.DeliveryDetail, e *event) {
	e.Ahead, e.Timeless, e.At = true, true, t.now
	if w := d.Wait; w != nil {
		e.What, e.Do, e.Detail = waitWords(w.For), operate.Advice(w.For), w.LastFailure
		if e.Detail != "" {
			e.Detail = "Last failure: " + e.Detail
		}
		if !w.NextTryAt.IsZero() {
			e.At, e.Timeless = w.NextTryAt.Time, false
		}
	}
	if d.Doubtful {
		e.What, e.Do, e.Tone = e.What+": "+lower(operate.Words("doubtful")), operate.Advice("doubtful"), operate.Tone("doubtful")
	}
}

// waitWords says what a delivery waits for.
func waitWords(code string) string {
	switch code {
	case "retry":
		return "Next attempt"
	case "turn", "settle", "planned":
		return operate.Words(code)
	case "paused_by_operator":
		return "Waits: the sink is paused by an operator"
	default:
		return "Waits: " + lower(operate.Words(code))
	}
}

func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }

func (b *Dashboard) resend(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return badForm(err)
	}
	id, sinks := r.PathValue("id"), r.PostForm["sink"]
	back := "/calls/" + url.PathEscape(id)
	if len(sinks) == 0 {
		return b.see(w, r, back, "nothing", 0)
	}
	done, err := b.Operate.Resend(r.Context(), id, sinks)
	if err != nil {
		return err
	}
	if len(done.Resent) == 0 {
		return b.see(w, r, back, "waits", 0)
	}
	return b.see(w, r, back, "resent", len(done.Resent))
}

// badForm wraps the error of a form that cannot be read.
func badForm(err error) error {
	return fmt.Errorf("form: %w", err)
}
