package expr

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"cel.dev/cel-go/common/types"

	"github.com/cdrelay/cdrelay/internal/call"
)

func moment0(s string) call.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return call.At(t)
}

// full is a record in which nearly everything is known, and talk_seconds is a
// measured 0.
func full() *call.Record {
	customer := call.Party{Raw: "081234567890", Number: "+6281234567890"}
	return &call.Record{
		Schema: call.SchemaID, ID: "dialer:88-1", Revision: 1, Source: "dialer", Format: "infin8linx",
		Account: "acme", Direction: call.Inbound, Method: call.Manual, Answered: true, Outcome: call.Answered,
		From: customer, To: call.Party{Raw: "8001", Extension: "8001"}, Customer: &customer,
		Agent:     call.Agent{ID: "7", Name: `Siti "Ani" & Co`, Extension: "8001"},
		StartedAt: moment0("2024-03-01T10:00:00.250Z"), EndedAt: moment0("2024-03-01T10:01:30.250Z"),
		WaitSeconds: new(5), TalkSeconds: new(0), TotalSeconds: new(90),
		Hangup:     call.Hangup{By: call.ByAgent, Code: "16", Q850: new(16)},
		References: call.References{OrderID: "A/1?b#c", Custom: "x y+z"},
		Warnings:   []string{"odd", "strange"},
		Raw: json.RawMessage(`{"big":12345678901234567890,"id":9007199254740993,"fee":12.50,"n":5,"neg":-3,` +
			`"flag":true,"none":null,"empty":"","s":"tëxt","o":{"z":1,"a":[1,2,{"k":"v"}],"big":12345678901234567890},` +
			`"l":["a","b"],"odd key":1,"exp":1e3}`),
	}
}

// bare is a record of which almost nothing is known.
func bare() *call.Record {
	return &call.Record{
		Schema: call.SchemaID, ID: "dialer:2", Source: "dialer", Format: "nxcc",
		Direction: call.UnknownDirection, Method: call.UnknownMethod, Outcome: call.UnknownOutcome,
	}
}

// TestFieldsAreTheRecords holds the accessors against the record's JSON: every
// field there and no other, in the same order and of a fitting type.
func TestFieldsAreTheRecords(t *testing.T) {
	e, err := environments()
	if err != nil {
		t.Fatal(err)
	}
	for name, typ := range map[string]reflect.Type{
		recordType: reflect.TypeFor[call.Record](), partyType: reflect.TypeFor[call.Party](),
		agentType: reflect.TypeFor[call.Agent](), queueType: reflect.TypeFor[call.Queue](),
		hangupType: reflect.TypeFor[call.Hangup](), recordingType: reflect.TypeFor[call.Recording](),
		taskType: reflect.TypeFor[call.Task](), referencesType: reflect.TypeFor[call.References](),
	} {
		k := e.schema.kinds[name]
		var want []string
		for f := range typ.Fields() {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			want = append(want, tag)
			if got := k.fields[tag]; got == nil {
				t.Errorf("%s has no accessor for %s", name, tag)
			} else if kind := celKind(f.Type); got.Type.Kind() != kind {
				t.Errorf("%s.%s is %s, want kind %v", name, tag, got.Type, kind)
			}
		}
		if !reflect.DeepEqual(k.names, want) {
			t.Errorf("%s: fields\n%v, want\n%v", name, k.names, want)
		}
	}
}

func celKind(t reflect.Type) types.Kind {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
		return types.MapKind
	case t == reflect.TypeFor[call.Time]():
		return types.TimestampKind
	}
	switch t.Kind() {
	case reflect.String:
		return types.StringKind
	case reflect.Bool:
		return types.BoolKind
	case reflect.Int:
		return types.IntKind
	case reflect.Slice:
		return types.ListKind
	default:
		return types.StructKind
	}
}

// TestAccessorsReadTheRecord renders each leaf and compares it with the JSON of
// the record, so that no two accessors are swapped.
func TestAccessorsReadTheRecord(t *testing.T) {
	r := full()
	r.Queue = call.Queue{EnteredAt: moment0("2024-01-02T03:04:05Z"), LeftAt: moment0("2024-01-02T03:04:06Z"), Seconds: new(1)}
	r.RingingAt, r.AnsweredAt = moment0("2024-01-01T00:00:01Z"), moment0("2024-01-01T00:00:02Z")
	r.ReceivedAt, r.RingSeconds = moment0("2024-01-01T00:00:03Z"), new(77)
	r.From.SIP, r.Hangup.Reason, r.Cost = "a@b", "bye", "1.50"
	r.Recording = call.Recording{URL: "u", File: "f", Host: "h"}
	r.VoicemailURL, r.KeysPressed = "v", "12#"
	r.Task = call.Task{ID: "t", Round: "2", Intent: "hot"}
	r.References.CustomerID, r.References.MemberID = "c", "m"
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(b, &tree); err != nil {
		t.Fatal(err)
	}
	leaves := map[string]any{}
	for name, v := range tree {
		if o, ok := v.(map[string]any); ok && name != "raw" {
			for inner, v := range o {
				leaves["call."+name+"."+inner] = v
			}
			continue
		}
		leaves["call."+name] = v
	}
	for path, want := range leaves {
		text, err := ParseText("${" + path + "}")
		if err != nil {
			t.Fatal(err)
		}
		got, err := rendered(text, r)
		if err != nil || got == "" {
			t.Errorf("%s: %q, error %v", path, got, err)
			continue
		}
		var back any
		if err := json.Unmarshal([]byte(got), &back); err != nil || !reflect.DeepEqual(back, want) {
			t.Errorf("%s = %v, want %v", path, back, want)
		}
		if c, err := CompileCondition("has(" + path + ")"); err != nil {
			t.Error(err)
		} else if ok, err := c.Holds(NewView(r, nil)); !ok || err != nil {
			t.Errorf("has(%s) = %v, %v", path, ok, err)
		}
	}
	if len(leaves) < 45 {
		t.Errorf("only %d leaves were compared", len(leaves))
	}
}
