package call_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/call"
)

func TestSummarize(t *testing.T) {
	customer := call.Party{Number: "+6281234567890"}
	at := call.At(time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC))
	for _, c := range []struct {
		name   string
		record call.Record
		want   call.Summary
	}{
		{
			"a missed call",
			call.Record{Direction: call.Inbound, Outcome: call.NoAnswer, Customer: &customer, From: customer, To: call.Party{Extension: "801"}, StartedAt: at, WaitSeconds: new(8)},
			call.Summary{
				Title: "Missed call from +6281234567890", Level: call.LevelAttention,
				Facts: []call.Fact{{"From", "+6281234567890"}, {"To", "extension 801"}, {"When", "2026-11-30 10:00 UTC"}, {"Result", "No answer"}, {"Waited", "8 s"}},
			},
		},
		{
			"an answered call with hostile words",
			call.Record{
				Direction: call.Outbound, Method: call.AIAgent, Answered: true, Outcome: call.Answered, Customer: &customer, To: customer, Revision: 2, TalkSeconds: new(61),
				Agent: call.Agent{Name: "a\nb\u202ec <x>"}, ReceivedAt: at,
				Recording: call.Recording{URL: "https://rec.example.com/(a).mp3"}, VoicemailURL: "javascript:x",
			},
			call.Summary{
				Title: "Update: AI agent call to +6281234567890, 1 min 01 s", Level: call.LevelGood,
				Facts: []call.Fact{{"To", "+6281234567890"}, {"Agent", "a bc <x>"}, {"When", "2026-11-30 10:00 UTC"}, {"Result", "Answered"}, {"Talked", "1 min 01 s"}},
				Links: []call.Link{{"Listen to the recording", "https://rec.example.com/%28a%29.mp3"}},
			},
		},
		{"a voice message", call.Record{Direction: call.Inbound, Outcome: call.Voicemail}, call.Summary{Title: "Voicemail from unknown number", Level: call.LevelWarning, Facts: []call.Fact{{"Result", "Voicemail"}}}},
		{"nothing known", call.Record{}, call.Summary{Title: "Call from unknown number to unknown number", Level: call.LevelInfo, Facts: []call.Fact{{"Result", "Not answered"}}}},
		{"a long name", call.Record{Direction: call.Internal, Agent: call.Agent{Name: strings.Repeat("é", 400)}}, call.Summary{
			Title: "Internal call from unknown number to unknown number", Level: call.LevelInfo,
			Facts: []call.Fact{{"Agent", strings.Repeat("é", 299) + "…"}, {"Result", "Not answered"}},
		}},
	} {
		if d := cmp.Diff(c.want, call.Summarize(&c.record)); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

// fact is the text of a fact of a call; empty where there is none.
func fact(r call.Record, label string) string {
	for _, f := range call.Summarize(&r).Facts {
		if f.Label == label {
			return f.Text
		}
	}
	return ""
}

func TestTitle(t *testing.T) {
	customer := &call.Party{Number: "+6281"}
	talk := func(n int) *int { return &n }
	for _, test := range []struct {
		r    call.Record
		want string
	}{
		{call.Record{Direction: call.Inbound, Outcome: call.NoAnswer, Customer: customer}, "Missed call from +6281"},
		{call.Record{Direction: call.Inbound, Outcome: call.Voicemail, Customer: customer}, "Voicemail from +6281"},
		{call.Record{Direction: call.Inbound, Answered: true, TalkSeconds: talk(252), Customer: customer}, "Answered call from +6281, 4 min 12 s"},
		{call.Record{Direction: call.Inbound}, "Missed call from unknown number"},
		{call.Record{Direction: call.Outbound, Answered: true, TalkSeconds: talk(3729), Customer: customer}, "Outbound call to +6281, 1 h 02 min"},
		{call.Record{Direction: call.Outbound, Outcome: call.Busy, Customer: customer}, "Outbound call to +6281: busy"},
		{call.Record{Direction: call.Outbound, Outcome: call.UnknownOutcome, To: call.Party{Raw: "12"}}, "Outbound call to 12: not answered"},
		{call.Record{Direction: call.Outbound, Method: call.AIAgent, Answered: true, TalkSeconds: talk(9), Customer: customer}, "AI agent call to +6281, 9 s"},
		{call.Record{Direction: call.Internal, From: call.Party{Extension: "101"}, To: call.Party{Raw: "102", Extension: "102"}}, "Internal call from extension 101 to 102"},
		{call.Record{Direction: call.UnknownDirection, From: call.Party{SIP: "a@b"}, Answered: true}, "Call from a@b to unknown number"},
		{call.Record{Direction: call.Inbound, Revision: 3, Customer: customer}, "Update: Missed call from +6281"},
		{call.Record{Direction: "sideways", Outcome: "odd"}, "Call from unknown number to unknown number"},
	} {
		if got := call.Summarize(&test.r).Title; got != test.want {
			t.Errorf("title %q, want %q", got, test.want)
		}
	}
}

func TestResultNamesEveryOutcome(t *testing.T) {
	seen := map[string]bool{}
	for _, o := range []call.Outcome{
		call.Answered, call.NoAnswer, call.Busy, call.Rejected, call.Canceled, call.Unreachable, call.InvalidNumber,
		call.Blocked, call.Congestion, call.Failed, call.Voicemail, call.UnknownOutcome,
	} {
		text := fact(call.Record{Outcome: o}, "Result")
		if text == "" || seen[text] || strings.Contains(text, "_") {
			t.Errorf("%s: %q", o, text)
		}
		seen[text] = true
	}
}

func TestEnded(t *testing.T) {
	for _, test := range []struct {
		h    call.Hangup
		want string
	}{
		{call.Hangup{By: call.ByAgent}, "Agent hung up"},
		{call.Hangup{By: call.ByPlatform, Reason: "NORMAL_CLEARING"}, "Platform ended the call (normal clearing)"},
		{call.Hangup{By: call.ByUnknown, Code: "10031"}, "10031"},
		{call.Hangup{By: "odd"}, ""},
		{call.Hangup{By: call.ByCallee, Reason: "a < b"}, "Called party hung up (a < b)"},
	} {
		if got := fact(call.Record{Hangup: test.h}, "Ended"); got != test.want {
			t.Errorf("%+v: %q, want %q", test.h, got, test.want)
		}
	}
}

func TestDuration(t *testing.T) {
	for n, want := range map[int]string{-1: "0 s", 0: "0 s", 59: "59 s", 60: "1 min 00 s", 252: "4 min 12 s", 3600: "1 h 00 min", 90061: "25 h 01 min"} {
		if diff := cmp.Diff(want, fact(call.Record{Answered: true, TalkSeconds: &n}, "Talked")); diff != "" {
			t.Error(diff)
		}
	}
}
