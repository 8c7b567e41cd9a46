package infin8linx_test

import (
	"fmt"
	"testing"

	"github.com/cdrelay/cdrelay/adapter/infin8linx"
	"github.com/cdrelay/cdrelay/internal/call"
)

func convert(t *testing.T, fields string) *call.Record {
	t.Helper()
	r, err := infin8linx.Convert([]byte(`{"companycode":"1","id":1,`+fields+`}`), call.Source{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Every code of the vendor's table, on a call that nobody answered.
func TestCauses(t *testing.T) {
	t.Parallel()
	for code, want := range map[int]struct {
		outcome call.Outcome
		q850    int // 0: none
	}{
		10001: {call.NoAnswer, 16},
		10002: {call.Canceled, 16},
		10003: {call.Rejected, 21},
		10004: {call.Failed, 0},
		10005: {call.NoAnswer, 0},
		10006: {call.Busy, 17},
		10007: {call.Failed, 31},
		10008: {call.Unreachable, 20},
		10009: {call.Unreachable, 3},
		10011: {call.NoAnswer, 102},
		10012: {call.Failed, 41},
		10013: {call.InvalidNumber, 1},
		10014: {call.InvalidNumber, 1},
		10015: {call.NoAnswer, 102},
		10016: {call.NoAnswer, 19},
		10017: {call.Failed, 31},
		10019: {call.Failed, 31},
		10020: {call.UnknownOutcome, 31},
		10024: {call.Failed, 0},
		10025: {call.Blocked, 0},
		10027: {call.InvalidNumber, 22},
		10028: {call.Blocked, 21},
		10031: {call.UnknownOutcome, 31},
		10040: {call.Canceled, 0},
		10041: {call.Rejected, 0},
	} {
		r := convert(t, fmt.Sprintf(`"billsec":0,"hangupcause":%d`, code))
		q850 := 0
		if r.Hangup.Q850 != nil {
			q850 = *r.Hangup.Q850
		}
		if r.Outcome != want.outcome || q850 != want.q850 {
			t.Errorf("%d: got %s and cause %d, want %s and %d", code, r.Outcome, q850, want.outcome, want.q850)
		}
		if r.Hangup.Code != fmt.Sprint(code) || r.Hangup.Reason == "" || len(r.Warnings) > 0 {
			t.Errorf("%d: got %+v, warnings %q", code, r.Hangup, r.Warnings)
		}
		if r := convert(t, fmt.Sprintf(`"billsec":9,"hangupcause":%d`, code)); r.Outcome != call.Answered {
			t.Errorf("%d with talk: got %s", code, r.Outcome)
		}
	}
}

// The codes that the vendor's list leaves out.
func TestUnlistedCauses(t *testing.T) {
	t.Parallel()
	for _, code := range []int{-1, 1, 10000, 10010, 10018, 10021, 10026, 10029, 10032, 10039, 10042} {
		r := convert(t, fmt.Sprintf(`"billsec":0,"hangupcause":%d`, code))
		if r.Outcome != call.UnknownOutcome || r.Hangup.Q850 != nil || len(r.Warnings) != 1 {
			t.Errorf("%d: got %s, %+v, warnings %q", code, r.Outcome, r.Hangup, r.Warnings)
		}
	}
}

func TestHungUpBy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		direction      string
		method         int
		caller, callee call.HangupBy
	}{
		{"callout", 0, call.ByCaller, call.ByCallee},
		{"callout", 1, call.ByCaller, call.ByCallee},
		{"callout", 2, call.ByAgent, call.ByCustomer},
		{"callout", 3, call.ByAgent, call.ByCustomer},
		{"callout", 4, call.ByAgent, call.ByCustomer},
		{"callout", 5, call.ByPlatform, call.ByCustomer},
		{"callout", 6, call.ByPlatform, call.ByCustomer},
		{"callin", 0, call.ByCustomer, call.ByAgent},
		{"callin", 1, call.ByCaller, call.ByCallee},
		{"callin", 2, call.ByCustomer, call.ByAgent},
		{"callin", 6, call.ByCustomer, call.ByAgent},
		{"", 3, call.ByCaller, call.ByCallee},
	} {
		for said, want := range map[string]call.HangupBy{
			`10040`: tt.caller, `10041`: tt.callee, `"10040"`: tt.caller, `"Caller"`: tt.caller, `"callee"`: tt.callee,
			`10031`: call.ByUnknown, `10015`: call.ByUnknown, `"nobody"`: call.ByUnknown, `""`: "", `0`: "", `null`: "",
		} {
			r := convert(t, fmt.Sprintf(`"direction":%q,"callmethod":%d,"hangupdirection":%s`, tt.direction, tt.method, said))
			if r.Hangup.By != want {
				t.Errorf("%s, method %d, %s: got %q, want %q", tt.direction, tt.method, said, r.Hangup.By, want)
			}
		}
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	for n, want := range []call.Method{
		call.UnknownMethod, call.InternalMethod, call.Manual, call.API, call.DoubleCall, call.Predictive, call.IVR,
	} {
		r := convert(t, fmt.Sprintf(`"type":"callout","callmethod":%d`, n))
		direction := call.Outbound
		if n == 1 {
			direction = call.Internal
		}
		if r.Method != want || r.Direction != direction || len(r.Warnings) > 0 {
			t.Errorf("%d: got %s, %s, warnings %q", n, r.Method, r.Direction, r.Warnings)
		}
	}
}
