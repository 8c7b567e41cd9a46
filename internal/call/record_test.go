package call_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/call"
)

func TestTimeJSON(t *testing.T) {
	t.Parallel()
	moment := time.Date(2025, 10, 16, 17, 31, 13, 56_789_000, time.FixedZone("", 8*60*60))
	for _, tt := range []struct {
		in   call.Time
		want string
	}{
		{call.At(moment), `"2025-10-16T09:31:13.056Z"`},
		{call.At(moment.Truncate(time.Second)), `"2025-10-16T09:31:13.000Z"`},
		{call.At(time.Time{}), `null`},
		{call.Time{}, `null`},
	} {
		b, err := json.Marshal(tt.in)
		if err != nil || string(b) != tt.want {
			t.Errorf("%v: got %s, %v, want %s", tt.in, b, err, tt.want)
		}
		var back call.Time
		if err := json.Unmarshal(b, &back); err != nil || !back.Equal(tt.in.Time) {
			t.Errorf("%s: got back %v, %v", b, back, err)
		}
	}
}

func TestTimeReadsAnyRFC3339(t *testing.T) {
	t.Parallel()
	want := call.At(time.Date(2025, 10, 16, 9, 31, 13, 56_000_000, time.UTC))
	for _, s := range []string{`"2025-10-16T09:31:13.056Z"`, `"2025-10-16T17:31:13.0569+08:00"`} {
		var got call.Time
		if err := json.Unmarshal([]byte(s), &got); err != nil || got != want {
			t.Errorf("%s: got %v, %v", s, got, err)
		}
	}
	for _, s := range []string{`"2025-10-16 09:31:13"`, `1760607073`, `""`, `{}`} {
		var got call.Time
		if err := json.Unmarshal([]byte(s), &got); err == nil {
			t.Errorf("%s: no error, got %v", s, got)
		}
	}
}

func TestAbsentIsAbsent(t *testing.T) {
	t.Parallel()
	b, err := json.Marshal(call.Record{Schema: call.SchemaID})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"schema":"cdrelay.call/v1","id":"","revision":0,"source":"","format":"","direction":"","method":"","answered":false,"outcome":""}`
	if diff := cmp.Diff(want, string(b)); diff != "" {
		t.Error(diff)
	}
	zero := 0
	b, err = json.Marshal(call.Record{TalkSeconds: &zero})
	if err != nil || !strings.Contains(string(b), `"talk_seconds":0`) {
		t.Errorf("a measured zero is gone: %s, %v", b, err)
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                     "",
		"1":                    "*",
		"12":                   "**",
		"123":                  "*23",
		"12345678":             "******78",
		"123456789":            "123****89",
		"+6281351111451":       "+62*********51",
		"agent@pbx.example.co": "age***************co",
		"转人工转人工转人工转":           "转人工*****工转",
	} {
		if got := call.Mask(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestMaskedParty(t *testing.T) {
	t.Parallel()
	got := call.Party{Raw: "081351111451", Number: "+6281351111451", SIP: "+6281351111451@pbx.example", Extension: "7003"}.Masked()
	want := call.Party{Raw: "081*******51", Number: "+62*********51", SIP: "+62*********************le", Extension: "7003"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLogsShowNoNumber(t *testing.T) {
	t.Parallel()
	r := &call.Record{
		ID: "dialer:1", Revision: 2, Source: "dialer", Direction: call.Inbound, Outcome: call.Busy,
		From: call.Party{Raw: "081351111451", Number: "+6281351111451"},
		To:   call.Party{Raw: "agent7@pbx.example.com:5060", SIP: "agent7@pbx.example.com"},
		Raw:  json.RawMessage(`{"disnumber":"081351111451"}`),
	}
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("call accepted", "call", r)
	log := b.String()
	for _, secret := range []string{"81351111451", "agent7@pbx", "disnumber"} {
		if strings.Contains(log, secret) {
			t.Errorf("%q stands in the log: %s", secret, log)
		}
	}
	for _, fact := range []string{"call.id=dialer:1", "call.revision=2", "call.outcome=busy", "call.from=+62*********51"} {
		if !strings.Contains(log, fact) {
			t.Errorf("%q is missing: %s", fact, log)
		}
	}
}
