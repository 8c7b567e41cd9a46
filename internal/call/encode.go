package call

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// encodedSize is a little more than the record of a usual call takes without its
// raw callback.
const encodedSize = 1 << 10

// JSON returns the record as an encoder of encoding/json without escapes for HTML
// writes it, byte for byte, in a fraction of the time: each call is written when it
// is stored and when it is sent. Raw must be JSON, as Record says.
func (r *Record) JSON() []byte {
	e := encoder(make([]byte, 0, encodedSize+len(r.Raw)))
	e.text(`{"schema":`, r.Schema)
	e.text(`,"id":`, r.ID)
	e.int(`,"revision":`, &r.Revision)
	e.text(`,"source":`, r.Source)
	e.text(`,"format":`, r.Format)
	e.known(`,"account":`, r.Account)
	e.text(`,"direction":`, string(r.Direction))
	e.text(`,"method":`, string(r.Method))
	e = strconv.AppendBool(append(e, `,"answered":`...), r.Answered)
	e.text(`,"outcome":`, string(r.Outcome))
	if r.From != (Party{}) {
		e.party(`,"from":`, r.From)
	}
	if r.To != (Party{}) {
		e.party(`,"to":`, r.To)
	}
	if r.Customer != nil {
		e.party(`,"customer":`, *r.Customer)
	}
	if r.Agent != (Agent{}) {
		a := &r.Agent
		e.texts(`,"agent":`, `,"id":`, a.ID, `,"name":`, a.Name, `,"extension":`, a.Extension, `,"email":`, a.Email)
	}
	e.time(`,"started_at":`, r.StartedAt)
	e.time(`,"ringing_at":`, r.RingingAt)
	e.time(`,"answered_at":`, r.AnsweredAt)
	e.time(`,"ended_at":`, r.EndedAt)
	e.time(`,"received_at":`, r.ReceivedAt)
	e.int(`,"wait_seconds":`, r.WaitSeconds)
	e.int(`,"ring_seconds":`, r.RingSeconds)
	e.int(`,"talk_seconds":`, r.TalkSeconds)
	e.int(`,"total_seconds":`, r.TotalSeconds)
	e.rest(r)
	return append(e, '}')
}

// rest writes what comes after the durations.
func (e *encoder) rest(r *Record) {
	if r.Queue != (Queue{}) {
		e.object(`,"queue":`, func() {
			e.time(`,"entered_at":`, r.Queue.EnteredAt)
			e.time(`,"left_at":`, r.Queue.LeftAt)
			e.int(`,"seconds":`, r.Queue.Seconds)
		})
	}
	if r.Hangup != (Hangup{}) {
		e.object(`,"hangup":`, func() {
			e.known(`,"by":`, string(r.Hangup.By), `,"code":`, r.Hangup.Code, `,"reason":`, r.Hangup.Reason)
			e.int(`,"q850":`, r.Hangup.Q850)
		})
	}
	if r.Recording != (Recording{}) {
		e.texts(`,"recording":`, `,"url":`, r.Recording.URL, `,"file":`, r.Recording.File, `,"host":`, r.Recording.Host)
	}
	e.known(`,"voicemail_url":`, r.VoicemailURL, `,"keys_pressed":`, r.KeysPressed)
	if r.Task != (Task{}) {
		e.texts(`,"task":`, `,"id":`, r.Task.ID, `,"round":`, r.Task.Round, `,"intent":`, r.Task.Intent)
	}
	if r.References != (References{}) {
		f := &r.References
		e.texts(`,"references":`, `,"order_id":`, f.OrderID, `,"customer_id":`, f.CustomerID, `,"member_id":`, f.MemberID, `,"custom":`, f.Custom)
	}
	e.known(`,"cost":`, r.Cost)
	e.list(`,"warnings":`, r.Warnings)
	if len(r.Raw) > 0 {
		e.raw(`,"raw":`, r.Raw)
	}
}

// encoder is the text so far. Names stand with their comma, quotes and colon.
type encoder []byte

// text writes a string.
func (e *encoder) text(name, s string) {
	*e = appendText(append(*e, name...), s)
}

// known writes the strings that are not empty, each behind its name.
func (e *encoder) known(namesAndTexts ...string) {
	for i := 1; i < len(namesAndTexts); i += 2 {
		if s := namesAndTexts[i]; s != "" {
			e.text(namesAndTexts[i-1], s)
		}
	}
}

// texts writes an object of the strings that are not empty.
func (e *encoder) texts(name string, namesAndTexts ...string) {
	e.object(name, func() { e.known(namesAndTexts...) })
}

func (e *encoder) int(name string, n *int) {
	if n != nil {
		*e = strconv.AppendInt(append(*e, name...), int64(*n), 10)
	}
}

func (e *encoder) time(name string, t Time) {
	if !t.IsZero() {
		*e = t.append(append(*e, name...))
	}
}

func (e *encoder) party(name string, p Party) {
	e.texts(name, `,"raw":`, p.Raw, `,"number":`, p.Number, `,"sip":`, p.SIP, `,"extension":`, p.Extension)
}

// object writes braces around its members, each of which begins with a comma.
func (e *encoder) object(name string, members func()) {
	*e = append(*e, name...)
	begin := len(*e)
	members()
	if len(*e) == begin {
		*e = append(*e, '{')
	} else {
		(*e)[begin] = '{'
	}
	*e = append(*e, '}')
}

// list writes strings, if there are any.
func (e *encoder) list(name string, texts []string) {
	if len(texts) == 0 {
		return
	}
	*e = append(*e, name...)
	for i, s := range texts {
		separator := byte(',')
		if i == 0 {
			separator = '['
		}
		*e = appendText(append(*e, separator), s)
	}
	*e = append(*e, ']')
}

// raw writes JSON that is compact already. A line break shows that it is not; then
// encoding/json compacts it.
func (e *encoder) raw(name string, text json.RawMessage) {
	*e = append(*e, name...)
	if bytes.IndexByte(text, '\n') < 0 {
		*e = append(*e, text...)
		return
	}
	var compact bytes.Buffer
	if json.Compact(&compact, text) != nil { // only for raw text that is not JSON
		compact.Reset()
		compact.WriteString("null")
	}
	*e = append(*e, compact.Bytes()...)
}
