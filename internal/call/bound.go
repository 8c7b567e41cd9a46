package call

import (
	"fmt"

	"github.com/cdrelay/cdrelay/internal/plaintext"
)

const (
	// MaxText bounds each text of a record but those in Raw, in bytes.
	MaxText = 2 << 10
	// MaxID bounds each id.
	MaxID = 256
	// MaxGrowth bounds what a record's JSON may have beyond its callback.
	MaxGrowth = 64 << 10

	// maxRaw is the part of MaxGrowth for what replaces bytes that are no text in
	// Raw; maxRest is the part for all other fields.
	maxRaw  = 12 << 10
	maxRest = 48 << 10
	// maxWarnings and maxWarning bound the list of warnings and each of them.
	maxWarnings = 32
	maxWarning  = 512
	// maxEscaped is how many bytes of JSON one byte of text may take, and maxNames
	// is more than the names and all values that are no texts take.
	maxEscaped = 6
	maxNames   = 4 << 10
)

// boundText is a text of a record with its bound.
type boundText struct {
	name  string
	at    *string
	limit int
}

// Bound cuts the texts of a record that are longer than their bounds, at a
// character, with a warning for each, and then all of them as far as the record's
// JSON needs it to stay within MaxGrowth of a callback of so many bytes. It
// reports an *Unreadable when Raw alone is larger than that: so many bytes of the
// callback are no text in its encoding. ID and Raw are never changed.
func (r *Record) Bound(callback int) error {
	if len(r.Raw) > callback+maxRaw {
		return Unreadablef("too many bytes of the callback are not valid in its character encoding: replacing them makes %d bytes of %d", len(r.Raw), callback)
	}
	texts := r.texts()
	length := 0
	for _, t := range texts {
		r.cut(t)
		length += len(*t.at)
	}
	r.boundWarnings()
	for _, w := range r.Warnings {
		length += len(w)
	}
	if length*maxEscaped+maxNames <= maxRest {
		return nil
	}
	r.shrink(texts)
	return nil
}

// texts lists every text that comes from a callback.
func (r *Record) texts() []boundText {
	customer := &Party{}
	if r.Customer != nil {
		customer = r.Customer
	}
	return []boundText{
		{"account", &r.Account, MaxText},
		{"from.raw", &r.From.Raw, MaxText},
		{"from.number", &r.From.Number, MaxText},
		{"from.sip", &r.From.SIP, MaxText},
		{"from.extension", &r.From.Extension, MaxText},
		{"to.raw", &r.To.Raw, MaxText},
		{"to.number", &r.To.Number, MaxText},
		{"to.sip", &r.To.SIP, MaxText},
		{"to.extension", &r.To.Extension, MaxText},
		// The customer is a copy of one of them, which has the warning.
		{"", &customer.Raw, MaxText},
		{"", &customer.Number, MaxText},
		{"", &customer.SIP, MaxText},
		{"", &customer.Extension, MaxText},
		{"agent.id", &r.Agent.ID, MaxID},
		{"agent.name", &r.Agent.Name, MaxText},
		{"agent.extension", &r.Agent.Extension, MaxText},
		{"agent.email", &r.Agent.Email, MaxText},
		{"hangup.code", &r.Hangup.Code, MaxText},
		{"hangup.reason", &r.Hangup.Reason, MaxText},
		{"recording.url", &r.Recording.URL, MaxText},
		{"recording.file", &r.Recording.File, MaxText},
		{"recording.host", &r.Recording.Host, MaxText},
		{"voicemail_url", &r.VoicemailURL, MaxText},
		{"keys_pressed", &r.KeysPressed, MaxText},
		{"task.id", &r.Task.ID, MaxID},
		{"task.round", &r.Task.Round, MaxText},
		{"task.intent", &r.Task.Intent, MaxText},
		{"references.order_id", &r.References.OrderID, MaxID},
		{"references.customer_id", &r.References.CustomerID, MaxID},
		{"references.member_id", &r.References.MemberID, MaxID},
		{"references.custom", &r.References.Custom, MaxText},
		{"cost", &r.Cost, MaxText},
	}
}

// shrink cuts all texts and warnings further until the record's JSON has room. It
// ends: there are at most a few dozen of them.
func (r *Record) shrink(texts []boundText) {
	limit := MaxText
	for ; r.rest() > maxRest; limit /= 2 {
		for _, t := range texts {
			*t.at = plaintext.Cut(*t.at, limit/2)
		}
		for i, w := range r.Warnings {
			r.Warnings[i] = plaintext.Cut(w, limit/8)
		}
	}
	if limit < MaxText {
		r.Warn(fmt.Sprintf("all texts were cut to %d bytes: the record would take too much", limit))
		r.boundWarnings()
	}
}

func (r *Record) cut(t boundText) {
	was := len(*t.at)
	if was <= t.limit {
		return
	}
	*t.at = plaintext.Cut(*t.at, t.limit)
	if t.name != "" {
		r.Warn(fmt.Sprintf("%s was cut from %d to %d bytes", t.name, was, len(*t.at)))
	}
}

// boundWarnings cuts each warning, and replaces those beyond the bound by their
// number.
func (r *Record) boundWarnings() {
	for i, w := range r.Warnings {
		r.Warnings[i] = plaintext.Cut(w, maxWarning)
	}
	if n := len(r.Warnings); n > maxWarnings {
		r.Warnings = append(r.Warnings[:maxWarnings-1:maxWarnings-1], fmt.Sprintf("%d more warnings", n-maxWarnings+1))
	}
}

// rest is the size of the record's JSON without Raw.
func (r *Record) rest() int {
	without := *r
	without.Raw = nil
	return len(without.JSON())
}
