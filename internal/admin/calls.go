package admin

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/problem"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// callItem is a call in a listing: one revision.
type callItem struct {
	ID         string    `json:"id"`
	Revision   int       `json:"revision"`
	ReceivedAt call.Time `json:"received_at"`
	// Record is the call record without raw; null where it is damaged.
	Record     *call.Record      `json:"record"`
	Deliveries []spool.SinkState `json:"deliveries"`
}

func (a *api) calls(w http.ResponseWriter, r *http.Request) {
	q := &query{Values: r.URL.Query()}
	q.only("number", "source", "outcome", "since", "until", "limit", "cursor")
	f := spool.CallFilter{
		Number: q.number("number"), Source: q.Get("source"), Outcome: q.outcome("outcome"),
		Since: q.time("since"), Until: q.time("until"),
	}
	limit := q.limit()
	if q.problem != "" {
		problem.Write(w, http.StatusBadRequest, q.problem)
		return
	}
	found, next, err := a.Store.SearchCalls(r.Context(), f, limit, q.Get("cursor"))
	if err != nil {
		a.fail(w, r, err)
		return
	}
	items := make([]callItem, len(found))
	for i, c := range found {
		items[i] = callItem{
			ID: c.ID, Revision: c.Revision, ReceivedAt: c.ReceivedAt,
			Record: withoutRaw(c.Record), Deliveries: append([]spool.SinkState{}, c.Deliveries...),
		}
	}
	writeJSON(w, newPage(items, next))
}

// withoutRaw gives a record without the callback as received, which can be
// large; nil for a damaged one.
func withoutRaw(encoded json.RawMessage) *call.Record {
	rec := new(call.Record)
	if json.Unmarshal(encoded, rec) != nil {
		return nil
	}
	rec.Raw = nil
	return rec
}

// callDetail is the answer for one call.
type callDetail struct {
	ID         string    `json:"id"`
	Revision   int       `json:"revision"`
	ReceivedAt call.Time `json:"received_at"`
	// Record is that of the newest revision; null where it is damaged.
	Record     json.RawMessage  `json:"record"`
	Revisions  []revision       `json:"revisions"`
	Deliveries []deliveryDetail `json:"deliveries"`
}

type revision struct {
	Revision   int             `json:"revision"`
	ReceivedAt call.Time       `json:"received_at"`
	Record     json.RawMessage `json:"record"`
}

// deliveryDetail adds the id of the dead letter that a delivery ended as.
type deliveryDetail struct {
	spool.DeliveryStatus
	Attempts   []spool.Attempt `json:"attempts"`
	DeadLetter string          `json:"dead_letter,omitempty"`
	Reason     spool.Reason    `json:"reason,omitempty"`
}

func (a *api) call(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	c, err := a.Store.Call(r.Context(), id)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	letters, err := a.Store.LettersOfCall(r.Context(), id)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	out := callDetail{ID: c.ID, Revisions: []revision{}, Deliveries: []deliveryDetail{}}
	for _, s := range c.Revisions {
		rev := revision{Revision: s.Revision, ReceivedAt: s.ReceivedAt, Record: validJSON(s.Record)}
		out.Revision, out.ReceivedAt, out.Record = rev.Revision, rev.ReceivedAt, rev.Record
		out.Revisions = append(out.Revisions, rev)
	}
	for _, d := range c.Deliveries {
		out.Deliveries = append(out.Deliveries, detailOf(d, letters))
	}
	writeJSON(w, out)
}

// detailOf finds the dead letter of a delivery.
func detailOf(d spool.DeliveryStatus, letters []spool.CallLetter) deliveryDetail {
	out := deliveryDetail{DeliveryStatus: d, Attempts: append([]spool.Attempt{}, d.Attempts...)}
	i := slices.IndexFunc(letters, func(l spool.CallLetter) bool { return l.Sink == d.Sink && l.Revision == d.Revision })
	if i >= 0 {
		out.DeadLetter, out.Reason = letters[i].ID, letters[i].Reason
	}
	return out
}

// validJSON keeps a damaged record from spoiling the answer.
func validJSON(text json.RawMessage) json.RawMessage {
	if !json.Valid(text) {
		return nil
	}
	return text
}

// resent is the answer to a resend.
type resent struct {
	ID string `json:"id"`
	// Resent are the sinks that the newest revision is owed to once more.
	Resent []string `json:"resent"`
	// Waiting are those for which it waited already.
	Waiting []string `json:"waiting"`
}

func (a *api) resend(w http.ResponseWriter, r *http.Request) {
	var sinks []string
	if !a.read(w, r, field{"sinks", &sinks, "a list of names of sinks", true}) {
		return
	}
	slices.Sort(sinks)
	sinks = slices.Compact(sinks)
	if len(sinks) == 0 {
		problem.Write(w, http.StatusBadRequest, `"sinks" is empty: name the sinks that are to get the call again`)
		return
	}
	out := resent{ID: r.PathValue("id"), Resent: []string{}, Waiting: []string{}}
	done, err := a.Store.Resend(out.ID, sinks)
	if err != nil {
		a.fail(w, r, err)
		return
	}
	for _, s := range sinks {
		if slices.Contains(done, s) {
			out.Resent = append(out.Resent, s)
		} else {
			out.Waiting = append(out.Waiting, s)
		}
	}
	a.Log.InfoContext(r.Context(), "an operator had a call sent again", "via", via, "call_id", out.ID, "sinks", out.Resent)
	writeJSON(w, out)
}

// via is how an operator's change came in.
const via = "api"
