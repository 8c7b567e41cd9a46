package operate

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// CallItem is a call in a listing: one revision.
type CallItem struct {
	ID         string    `json:"id"`
	Revision   int       `json:"revision"`
	ReceivedAt call.Time `json:"received_at"`
	// Record is the call record without raw; null where it is damaged.
	Record     *call.Record `json:"record"`
	Deliveries []SinkState  `json:"deliveries"`
}

// CallFilterNames lists the names of the values of a filter of calls, besides its times.
func CallFilterNames() []string {
	return []string{"number", "source", "sink", "state", "outcome", "direction", "agent", "account"}
}

// DeliveryStates lists the states of deliveries that a filter of calls can ask for.
func DeliveryStates() []spool.DeliveryState { return spool.DeliveryStates() }

// CallFilterOf returns the filter of values as an operator writes them; get returns the
// value of a name, empty for none.
func CallFilterOf(get func(name string) string) CallFilter {
	return CallFilter{
		Number: get("number"), Source: get("source"), Sink: get("sink"), State: spool.DeliveryState(get("state")), Outcome: get("outcome"),
		Direction: call.Direction(get("direction")), Agent: get("agent"), Account: get("account"),
	}
}

// checkNumber refuses a text that no number ends with.
func checkNumber(typed string) error {
	if typed != "" && !strings.ContainsAny(typed, "123456789") {
		return &InputError{fmt.Sprintf("number=%q holds no digits: write a telephone number or its end", typed)}
	}
	return nil
}

// CheckCalls refuses a filter that selects nothing because it is misspelt.
func CheckCalls(f CallFilter) error {
	if err := checkNumber(f.Number); err != nil {
		return err
	}
	if f.Outcome != "" && !slices.Contains(call.Outcomes(), call.Outcome(f.Outcome)) {
		return &InputError{fmt.Sprintf("there is no outcome %q: there are %v", f.Outcome, call.Outcomes())}
	}
	if f.Direction != "" && !slices.Contains(call.Directions(), f.Direction) {
		return &InputError{fmt.Sprintf("there is no direction %q: there are %v", f.Direction, call.Directions())}
	}
	if f.State != "" && !slices.Contains(spool.DeliveryStates(), f.State) {
		return &InputError{fmt.Sprintf("there is no state %q: there are %v", f.State, spool.DeliveryStates())}
	}
	return nil
}

// Calls returns a page of calls, newest first. A page may be empty although more
// follow, where the filter passes over many.
func (o *Operator) Calls(ctx context.Context, f CallFilter, limit int, cursor string) (Page[CallItem], error) {
	found, err := o.deps.Store.SearchCalls(ctx, f, limit, cursor)
	items := make([]CallItem, len(found.Calls))
	for i, c := range found.Calls {
		items[i] = CallItem{
			ID: c.ID, Revision: c.Revision, ReceivedAt: c.ReceivedAt,
			Record: withoutRaw(c.Record), Deliveries: append([]SinkState{}, c.Deliveries...),
		}
	}
	page := newPage(items, found.Next)
	page.ReachedAt = call.At(found.Reached)
	return page, err
}

// RecordOf reads a record as it is kept; nil for a damaged one.
func RecordOf(encoded json.RawMessage) *call.Record {
	r := new(call.Record)
	if json.Unmarshal(encoded, r) != nil || r.ID == "" {
		return nil
	}
	return r
}

// withoutRaw returns a record without the callback as received, which can be large.
func withoutRaw(encoded json.RawMessage) *call.Record {
	r := RecordOf(encoded)
	if r != nil {
		r.Raw = nil
	}
	return r
}

// CallDetail is one call with everything that is known about it.
type CallDetail struct {
	ID         string    `json:"id"`
	Revision   int       `json:"revision"`
	ReceivedAt call.Time `json:"received_at"`
	// Record is that of the newest revision; null where it is damaged.
	Record json.RawMessage `json:"record"`
	// Rules are those that matched when the newest revision came in.
	Rules      []string         `json:"rules"`
	Revisions  []Revision       `json:"revisions"`
	Deliveries []DeliveryDetail `json:"deliveries"`
	// Events are what operators did with it, oldest first.
	Events []Event `json:"events"`
	// Others are the latest other calls of the customer's number, newest first.
	Others []OtherCall `json:"other_calls"`
}

// OtherCall is another call of the same number.
type OtherCall struct {
	ID         string         `json:"id"`
	ReceivedAt call.Time      `json:"received_at"`
	Direction  call.Direction `json:"direction"`
	Outcome    call.Outcome   `json:"outcome"`
}

// otherCalls is how many of them are shown.
const otherCalls = 5

// Revision is one push of a call.
type Revision struct {
	Revision   int             `json:"revision"`
	ReceivedAt call.Time       `json:"received_at"`
	Record     json.RawMessage `json:"record"`
	// Rules are those that matched when it came in.
	Rules []string `json:"rules"`
	// Kept is the record as it is kept, also a damaged one.
	Kept []byte `json:"-"`
}

// DeliveryDetail is a delivery with its attempts, and with the dead letter that it
// ended as.
type DeliveryDetail struct {
	spool.DeliveryStatus
	Attempts   []Attempt    `json:"attempts"`
	DeadLetter string       `json:"dead_letter,omitempty"`
	Reason     spool.Reason `json:"reason,omitempty"`
	// Wait says what a delivery that waits is waiting for; nil for others.
	Wait *Wait `json:"wait,omitempty"`
	// Why is the detail of the dead letter.
	Why string `json:"-"`
}

// Advice says what to do about a delivery that was given up or goes badly; empty where
// there is nothing to do.
func (d DeliveryDetail) Advice() string {
	switch n := len(d.Attempts); {
	case d.Reason != "":
		return Advice(d.Reason)
	case d.Doubtful:
		return Advice("doubtful")
	case d.State == "waiting" && n > 0:
		return Advice(d.Attempts[n-1].Result)
	default:
		return Advice(d.State)
	}
}

// Call returns one call.
func (o *Operator) Call(ctx context.Context, id string) (CallDetail, error) {
	c, err := o.deps.Store.Call(ctx, id)
	if err != nil {
		return CallDetail{}, err
	}
	letters, err := o.deps.Store.LettersOfCall(ctx, id)
	if err != nil {
		return CallDetail{}, err
	}
	out := CallDetail{ID: c.ID, Revisions: []Revision{}, Deliveries: []DeliveryDetail{}}
	for _, s := range c.Revisions {
		rev := Revision{Revision: s.Revision, ReceivedAt: s.ReceivedAt, Record: validJSON(s.Record), Rules: append([]string{}, s.Rules...), Kept: s.Record}
		out.Revision, out.ReceivedAt, out.Record, out.Rules = rev.Revision, rev.ReceivedAt, rev.Record, rev.Rules
		out.Revisions = append(out.Revisions, rev)
	}
	for _, d := range c.Deliveries {
		out.Deliveries = append(out.Deliveries, detailOf(d, letters))
	}
	if err := o.explainWaits(ctx, out.Deliveries); err != nil {
		return out, err
	}
	if out.Events, err = o.eventsOf(ctx, id); err != nil {
		return out, err
	}
	out.Others, err = o.othersOf(ctx, RecordOf(out.Record))
	return out, err
}

// othersOf returns the latest other calls of the customer of a call.
func (o *Operator) othersOf(ctx context.Context, r *call.Record) ([]OtherCall, error) {
	out := []OtherCall{}
	if r == nil || r.Customer == nil || r.Customer.Number == "" {
		return out, nil
	}
	// One entry a revision: some of them are of the same call.
	found, err := o.deps.Store.SearchCalls(ctx, CallFilter{Number: r.Customer.Number}, 4*otherCalls, "")
	for _, c := range found.Calls {
		known := c.ID == r.ID || slices.ContainsFunc(out, func(o OtherCall) bool { return o.ID == c.ID })
		if other := RecordOf(c.Record); other != nil && !known && len(out) < otherCalls {
			out = append(out, OtherCall{ID: c.ID, ReceivedAt: c.ReceivedAt, Direction: other.Direction, Outcome: other.Outcome})
		}
	}
	return out, err
}

// detailOf finds the dead letter of a delivery.
func detailOf(d spool.DeliveryStatus, letters []spool.CallLetter) DeliveryDetail {
	out := DeliveryDetail{DeliveryStatus: d, Attempts: append([]Attempt{}, d.Attempts...)}
	i := slices.IndexFunc(letters, func(l spool.CallLetter) bool { return l.Sink == d.Sink && l.Revision == d.Revision })
	if i >= 0 {
		out.DeadLetter, out.Reason, out.Why = letters[i].ID, letters[i].Reason, letters[i].Detail
	}
	return out
}

// validJSON keeps a damaged record from spoiling an answer.
func validJSON(text json.RawMessage) json.RawMessage {
	if !json.Valid(text) {
		return nil
	}
	return text
}
