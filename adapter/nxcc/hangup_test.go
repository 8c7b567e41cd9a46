package nxcc_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cdrelay/cdrelay/adapter/nxcc"
	"github.com/cdrelay/cdrelay/internal/call"
)

func convert(t *testing.T, fields string) *call.Record {
	t.Helper()
	r, err := nxcc.Convert([]byte(`{"callId":"1",`+fields+`}`), call.Source{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCodesAreInOrder(t *testing.T) {
	t.Parallel()
	if !slices.IsSortedFunc(nxcc.Causes, func(a, b call.Cause) int { return a.Code - b.Code }) {
		t.Error("a code would not be found")
	}
}

// Every code of the vendor's list: of calls that nobody answered by their flag, of
// calls without a flag, and of answered ones.
func TestCodes(t *testing.T) {
	t.Parallel()
	for _, code := range nxcc.Causes {
		said := fmt.Sprintf(`"hangupCode":%d`, code.Code)
		missed := convert(t, `"answered":false,`+said)
		want := code.Outcome
		if want == call.Answered {
			want = call.UnknownOutcome // nobody knows which side called
		}
		if missed.Outcome != want || missed.Answered || missed.Hangup.By != code.By || len(missed.Warnings) > 0 {
			t.Errorf("%d, unanswered: %s by %q, warnings %q", code.Code, missed.Outcome, missed.Hangup.By, missed.Warnings)
		}
		if got := missed.Hangup; got.Code != fmt.Sprint(code.Code) || got.Reason != code.Reason || got.Q850 != nil {
			t.Errorf("%d: %+v", code.Code, got)
		}
		if r := convert(t, said); r.Answered != (code.Outcome == call.Answered) || r.Outcome != code.Outcome {
			t.Errorf("%d, without a flag: %s, answered %v", code.Code, r.Outcome, r.Answered)
		}
		if r := convert(t, `"answered":true,`+said); r.Outcome != call.Answered {
			t.Errorf("%d, answered: %s", code.Code, r.Outcome)
		}
	}
}

// The order of evidence: the vendor's code, names of FreeSWITCH, the SIP status, the
// times.
func TestEvidence(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fields string
		want   call.Outcome
	}{
		{`"hangupCode":2203,"hangupCause":"NO_ANSWER","termSipCode":404,"ringDuration":5`, call.Busy},
		{`"hangupCode":9999,"hangupCause":"NO_ANSWER","termSipCode":404,"ringDuration":5`, call.NoAnswer},
		{`"hangupCode":0,"hangupCause":"CALL_REJECTED","termSipCode":404`, call.Rejected},
		{`"hangupCause":"NORMAL_UNSPECIFIED","hangupReason":"USER_BUSY","termSipCode":404`, call.Busy},
		{`"hangupReason":"线路忙","termSipCode":486,"ringDuration":5`, call.Busy},
		{`"hangupCode":"user_not_registered","termSipCode":486`, call.Unreachable},
		{`"termSipCode":"404","ringDuration":5`, call.InvalidNumber},
		{`"termSipCode":200,"ringDuration":5`, call.NoAnswer},
		{`"termSipCode":200,"ringDuration":0`, call.UnknownOutcome},
		{`"ringTime":1691372102500`, call.NoAnswer},
		{`"hangupReason":"Line busy"`, call.UnknownOutcome}, // Cause 16 and codes of answered calls say only that somebody hung up.
		{`"direction":1,"hangupBy":0,"hangupCause":"NORMAL_CLEARING"`, call.Canceled},
		{`"direction":1,"hangupBy":1,"hangupCause":"NORMAL_CLEARING"`, call.NoAnswer},
		{`"direction":0,"hangupBy":1,"hangupCause":"Normal Clearing"`, call.Canceled},
		{`"direction":0,"hangupCode":1002,"hangupCause":"NO_ANSWER"`, call.Canceled},
		{`"direction":0,"hangupCode":1001,"hangupCause":"NO_ANSWER"`, call.NoAnswer},
		{`"hangupCode":2104,"leaveMsgUrl":"https://example.com/1.mp3"`, call.Voicemail},
		{`"hangupCode":1003,"hangupCause":"NO_ANSWER"`, call.Voicemail},
		{`"hangupCode":"2203.0"`, call.Busy},
		{`"hangupCode":2.203e3`, call.Busy},
		{`"direction":1,"hangupBy":0,"hangupCode":3104,"hangupCause":"LOSE_RACE"`, call.Canceled},
		{`"hangupCode":17`, call.UnknownOutcome},  // neither Q.850
		{`"hangupCode":486`, call.UnknownOutcome}, // nor SIP
		{`"hangupCause":"MEDIA_TIMEOUT"`, call.Failed},
		{`"hangupCause":"NORMAL_CIRCUIT_CONGESTION"`, call.Congestion},
		{`"hangupCause":"OUTGOING_CALL_BARRED"`, call.Blocked},
		{`"hangupCause":"UNALLOCATED_NUMBER"`, call.InvalidNumber},
		{`"hangupCause":"RECOVERY_ON_TIMER_EXPIRE","hangupReason":"","hangupBy":2`, call.NoAnswer},
	} {
		if r := convert(t, `"answered":false,`+tt.fields); r.Outcome != tt.want {
			t.Errorf("%s: %s, want %s; %+v", tt.fields, r.Outcome, tt.want, r.Hangup)
		}
	}
}

func TestWhoHungUp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		fields   string
		want     call.HangupBy
		warnings int
	}{
		{`"hangupBy":0`, call.ByAgent, 0},
		{`"hangupBy":1`, call.ByCustomer, 0},
		{`"hangupBy":2`, call.ByUnknown, 0},
		{`"hangupBy":7`, call.ByUnknown, 1},
		{`"hangupBy":0,"hangupCode":1001`, call.ByAgent, 0},
		{`"hangupBy":1,"hangupCode":1001`, call.ByAgent, 1},
		{`"hangupBy":0,"hangupCode":1103`, call.ByCustomer, 1},
		{`"hangupBy":2,"hangupCode":1103`, call.ByCustomer, 0},
		{`"hangupCode":2206`, call.ByAgent, 0},
		{`"hangupBy":0,"hangupCode":2104`, call.ByAgent, 0},
		{`"hangupBy":1,"hangupCode":9999`, call.ByCustomer, 1},
		{`"hangupCode":2104`, "", 0},
	} {
		if r := convert(t, `"answered":false,`+tt.fields); r.Hangup.By != tt.want || len(r.Warnings) != tt.warnings {
			t.Errorf("%s: %q, warnings %q", tt.fields, r.Hangup.By, r.Warnings)
		}
	}
}

// A platform that keeps its ids as doubles means the whole numbers.
func TestIDsAsDoubles(t *testing.T) {
	t.Parallel()
	r := convert(t, `"taskId":1.1e3,"orderId":12.0,"other":"7.0","agentName":8001.0`)
	if r.Task.ID != "1100" || r.References.OrderID != "12" || r.References.Custom != "7" || r.Agent.ID != "8001" {
		t.Errorf("task %q, order %q, custom %q, agent %q", r.Task.ID, r.References.OrderID, r.References.Custom, r.Agent.ID)
	}
}
