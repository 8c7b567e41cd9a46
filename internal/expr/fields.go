package expr

import (
	"encoding/json"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/cdrelay/cdrelay/internal/call"
)

// The names of the object types. They hold a space so that no expression can
// spell them; they stand in error texts only.
const (
	recordType     = "call record"
	partyType      = "call party"
	agentType      = "call agent"
	queueType      = "call queue"
	hangupType     = "call hangup"
	recordingType  = "call recording"
	taskType       = "call task"
	referencesType = "call references"
	responseType   = "sink response"
	outcomesType   = "results of steps"
)

// absentError says that an expression needed a number or a time that nobody
// knows.
type absentError struct{ path string }

func (e *absentError) Error() string { return e.path + " has no value" }

// field is one accessor: what a checked expression knows and does of it.
type field struct {
	name string
	typ  *types.Type
	set  ref.FieldTester
	get  ref.FieldGetter
}

// ofObject reads a value of an object that may be nil.
func ofObject[T, V any](read func(*T) V) func(target any) V {
	return func(target any) (value V) {
		if o, _ := target.(*T); o != nil {
			value = read(o)
		}
		return value
	}
}

// text reads a string; the object may be nil.
func text[T any](name string, read func(*T) string) field {
	value := ofObject(read)
	return field{
		name: name, typ: types.StringType,
		set: func(target any) bool { return value(target) != "" },
		get: func(target any) (any, error) { return types.String(value(target)), nil },
	}
}

// number reads an int that may be absent.
func number[T any](name, path string, read func(*T) *int) field {
	absent := &absentError{path: path}
	value := ofObject(read)
	return field{
		name: name, typ: types.IntType,
		set: func(target any) bool { return value(target) != nil },
		get: func(target any) (any, error) {
			n := value(target)
			if n == nil {
				return nil, absent
			}
			return types.Int(*n), nil
		},
	}
}

// moment reads a time that may be absent.
func moment[T any](name, path string, read func(*T) call.Time) field {
	absent := &absentError{path: path}
	value := ofObject(read)
	return field{
		name: name, typ: types.TimestampType,
		set: func(target any) bool { return !value(target).IsZero() },
		get: func(target any) (any, error) {
			t := value(target)
			if t.IsZero() {
				return nil, absent
			}
			return types.Timestamp{Time: t.Time}, nil
		},
	}
}

// always reads a value that no object lacks.
func always[T any](name string, typ *types.Type, read func(*T) ref.Val) field {
	return field{
		name: name, typ: typ,
		set: func(any) bool { return true },
		get: func(target any) (any, error) {
			o, ok := target.(*T)
			if !ok || o == nil {
				return nil, &absentError{path: name}
			}
			return read(o), nil
		},
	}
}

// part reads an object within the record, as a pointer so that nothing is
// copied. It is set when it is neither nil nor empty.
func part[P comparable](name, typ string, read func(*view) *P) field {
	var empty P
	value := ofObject(read)
	return field{
		name: name, typ: types.NewObjectType(typ),
		set: func(target any) bool {
			p := value(target)
			return p != nil && *p != empty
		},
		get: func(target any) (any, error) { return value(target), nil },
	}
}

func recordFields(s *schema) []field {
	return []field{
		text("schema", func(v *view) string { return v.record.Schema }),
		text("id", func(v *view) string { return v.record.ID }),
		always("revision", types.IntType, func(v *view) ref.Val { return types.Int(v.record.Revision) }),
		text("source", func(v *view) string { return v.record.Source }),
		text("format", func(v *view) string { return v.record.Format }),
		text("account", func(v *view) string { return v.record.Account }),
		text("direction", func(v *view) string { return string(v.record.Direction) }),
		text("method", func(v *view) string { return string(v.record.Method) }),
		always("answered", types.BoolType, func(v *view) ref.Val { return types.Bool(v.record.Answered) }),
		text("outcome", func(v *view) string { return string(v.record.Outcome) }),
		part("from", partyType, func(v *view) *call.Party { return &v.record.From }),
		part("to", partyType, func(v *view) *call.Party { return &v.record.To }),
		part("customer", partyType, func(v *view) *call.Party { return v.record.Customer }),
		part("agent", agentType, func(v *view) *call.Agent { return &v.record.Agent }),
		moment("started_at", "call.started_at", func(v *view) call.Time { return v.record.StartedAt }),
		moment("ringing_at", "call.ringing_at", func(v *view) call.Time { return v.record.RingingAt }),
		moment("answered_at", "call.answered_at", func(v *view) call.Time { return v.record.AnsweredAt }),
		moment("ended_at", "call.ended_at", func(v *view) call.Time { return v.record.EndedAt }),
		moment("received_at", "call.received_at", func(v *view) call.Time { return v.record.ReceivedAt }),
		number("wait_seconds", "call.wait_seconds", func(v *view) *int { return v.record.WaitSeconds }),
		number("ring_seconds", "call.ring_seconds", func(v *view) *int { return v.record.RingSeconds }),
		number("talk_seconds", "call.talk_seconds", func(v *view) *int { return v.record.TalkSeconds }),
		number("total_seconds", "call.total_seconds", func(v *view) *int { return v.record.TotalSeconds }),
		part("queue", queueType, func(v *view) *call.Queue { return &v.record.Queue }),
		part("hangup", hangupType, func(v *view) *call.Hangup { return &v.record.Hangup }),
		part("recording", recordingType, func(v *view) *call.Recording { return &v.record.Recording }),
		text("voicemail_url", func(v *view) string { return v.record.VoicemailURL }),
		text("keys_pressed", func(v *view) string { return v.record.KeysPressed }),
		part("task", taskType, func(v *view) *call.Task { return &v.record.Task }),
		part("references", referencesType, func(v *view) *call.References { return &v.record.References }),
		text("cost", func(v *view) string { return v.record.Cost }),
		warningsField(s),
		rawField(s),
	}
}

func warningsField(s *schema) field {
	f := always("warnings", types.NewListType(types.StringType), func(v *view) ref.Val {
		return types.NewStringList(s, v.record.Warnings)
	})
	warnings := ofObject(func(v *view) []string { return v.record.Warnings })
	f.set = func(target any) bool { return len(warnings(target)) > 0 }
	return f
}

func rawField(s *schema) field {
	raw := ofObject(func(v *view) json.RawMessage { return v.record.Raw })
	return field{
		name: "raw", typ: types.NewMapType(types.StringType, types.DynType),
		set: func(target any) bool { return len(raw(target)) > 0 },
		get: func(target any) (any, error) {
			v, ok := target.(*view)
			if !ok {
				return nil, &absentError{path: "call.raw"}
			}
			return v.rawValue(s)
		},
	}
}

func partyFields() []field {
	return []field{
		text("raw", func(p *call.Party) string { return p.Raw }),
		text("number", func(p *call.Party) string { return p.Number }),
		text("sip", func(p *call.Party) string { return p.SIP }),
		text("extension", func(p *call.Party) string { return p.Extension }),
	}
}

func agentFields() []field {
	return []field{
		text("id", func(a *call.Agent) string { return a.ID }),
		text("name", func(a *call.Agent) string { return a.Name }),
		text("extension", func(a *call.Agent) string { return a.Extension }),
		text("email", func(a *call.Agent) string { return a.Email }),
	}
}

func queueFields() []field {
	return []field{
		moment("entered_at", "call.queue.entered_at", func(q *call.Queue) call.Time { return q.EnteredAt }),
		moment("left_at", "call.queue.left_at", func(q *call.Queue) call.Time { return q.LeftAt }),
		number("seconds", "call.queue.seconds", func(q *call.Queue) *int { return q.Seconds }),
	}
}

func hangupFields() []field {
	return []field{
		text("by", func(h *call.Hangup) string { return string(h.By) }),
		text("code", func(h *call.Hangup) string { return h.Code }),
		text("reason", func(h *call.Hangup) string { return h.Reason }),
		number("q850", "call.hangup.q850", func(h *call.Hangup) *int { return h.Q850 }),
	}
}

func recordingFields() []field {
	return []field{
		text("url", func(r *call.Recording) string { return r.URL }),
		text("file", func(r *call.Recording) string { return r.File }),
		text("host", func(r *call.Recording) string { return r.Host }),
	}
}

func taskFields() []field {
	return []field{
		text("id", func(t *call.Task) string { return t.ID }),
		text("round", func(t *call.Task) string { return t.Round }),
		text("intent", func(t *call.Task) string { return t.Intent }),
	}
}

func referencesFields() []field {
	return []field{
		text("order_id", func(r *call.References) string { return r.OrderID }),
		text("customer_id", func(r *call.References) string { return r.CustomerID }),
		text("member_id", func(r *call.References) string { return r.MemberID }),
		text("custom", func(r *call.References) string { return r.Custom }),
	}
}
