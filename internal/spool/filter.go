package spool

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/cdrelay/cdrelay/internal/call"
)

// CallFilter selects calls; empty fields select all.
type CallFilter struct {
	// Number matches the end of any number of the call, and any number that it may
	// mean by Deps.Readings; everything but digits is ignored.
	Number  string
	Source  string
	Outcome string
	// Sink and State select calls with a delivery to that sink, in that state.
	Sink  string
	State DeliveryState
	// Agent is the id, the extension, the e-mail address or the name of the agent; the
	// case of the letters of ASCII does not matter.
	Agent        string
	Direction    call.Direction
	Account      string
	Since, Until time.Time
	// OldestFirst lists them in the order in which they came in, and ends with what was
	// there when the first page was asked for.
	OldestFirst bool
}

// DeliveryState is a state of deliveries, as a filter names it.
type DeliveryState string

// The states that a filter can ask for. A delivery that is held behind an older
// revision is waiting.
const (
	Waiting   DeliveryState = "waiting"
	Delivered DeliveryState = "delivered"
	Dead      DeliveryState = "dead"
	// Superseded ones ended because a newer revision came before their time.
	Superseded DeliveryState = "superseded"
)

// DeliveryStates lists the states that a filter can ask for.
func DeliveryStates() []DeliveryState { return []DeliveryState{Waiting, Delivered, Dead, Superseded} }

// ByDelivery reports whether the filter asks for calls by their deliveries.
func (f CallFilter) ByDelivery() bool { return f.Sink != "" || f.State != "" }

// MatchesDelivery reports whether the filter selects the call of a delivery.
func (f CallFilter) MatchesDelivery(d SinkState) bool {
	if f.Sink != "" && f.Sink != d.Sink {
		return false
	}
	switch f.State {
	case Waiting:
		return d.State == "waiting" || d.State == "held"
	case Dead:
		return d.State == "dead_letter"
	default:
		return f.State == "" || string(f.State) == d.State
	}
}

// MatchesRecord reports whether the filter selects a call by what only its encoded
// record says: direction, agent and account.
func (f CallFilter) MatchesRecord(encoded []byte) bool {
	if !mayHold(encoded, string(f.Direction)) || !mayHold(encoded, f.Account) || f.Agent != "" && !mayHold(lower(encoded), string(lower([]byte(f.Agent)))) {
		return false
	}
	if f.Direction == "" && f.Agent == "" && f.Account == "" {
		return true
	}
	var r struct {
		Direction call.Direction `json:"direction"`
		Account   string         `json:"account"`
		Agent     call.Agent     `json:"agent"`
	}
	_ = json.Unmarshal(encoded, &r) // of a damaged record, what can be read
	return (f.Direction == "" || f.Direction == r.Direction) && (f.Account == "" || f.Account == r.Account) &&
		(f.Agent == "" || isAgent(r.Agent, f.Agent))
}

// mayHold reports whether an encoded record can hold a text; to decode a record takes
// many times as long. A text with characters that encoders escape is always possible.
func mayHold(encoded []byte, text string) bool {
	return text == "" || strings.ContainsAny(text, "\"\\<>&\u2028\u2029\x7f") || strings.IndexFunc(text, unicode.IsControl) >= 0 ||
		bytes.Contains(encoded, []byte(`"`+text+`"`))
}

// isAgent compares without the case of the letters of ASCII.
func isAgent(a call.Agent, typed string) bool {
	want := lower([]byte(typed))
	return slices.ContainsFunc([]string{a.ID, a.Extension, a.Email, a.Name}, func(text string) bool {
		return bytes.Equal(lower([]byte(text)), want)
	})
}

// lower returns the text with the letters of ASCII in lower case.
func lower(text []byte) []byte {
	out := make([]byte, len(text))
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		out[i] = c
	}
	return out
}
