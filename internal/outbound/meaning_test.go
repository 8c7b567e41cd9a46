package outbound

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func always(b bool) func(Answer) bool { return func(Answer) bool { return b } }

func TestConventionsAreReadInOrder(t *testing.T) {
	wait := func(d time.Duration) func(Answer) time.Duration { return func(Answer) time.Duration { return d } }
	success := func(holds, unread bool) func(Answer) (bool, bool) {
		return func(Answer) (bool, bool) { return holds, unread }
	}
	later := http.Header{"Retry-After": {"7"}}
	for name, test := range map[string]struct {
		conventions Conventions
		status      int
		header      http.Header
		want        Verdict
	}{
		"none":                          {Conventions{}, 200, nil, Verdict{Meaning: Delivered}},
		"address_if first":              {Conventions{always(true), wait(5), always(true), success(true, false)}, 200, nil, Verdict{Meaning: Credentials}},
		"address_if waits":              {Conventions{AddressIf: always(true)}, 200, later, Verdict{Meaning: Credentials, Wait: 7 * time.Second}},
		"pause second":                  {Conventions{always(false), wait(time.Minute), always(true), success(true, false)}, 200, nil, Verdict{Meaning: Paused, Wait: time.Minute}},
		"no pause":                      {Conventions{Pause: wait(0)}, 200, nil, Verdict{Meaning: Delivered}},
		"retry_if third":                {Conventions{always(false), wait(0), always(true), success(true, false)}, 200, nil, Verdict{Meaning: Unwell}},
		"retry_if waits":                {Conventions{RetryIf: always(true)}, 200, later, Verdict{Meaning: Unwell, Wait: 7 * time.Second}},
		"a pause outlives retry_if":     {Conventions{RetryIf: always(true)}, 429, later, Verdict{Meaning: Paused, Wait: 7 * time.Second}},
		"success last":                  {Conventions{Success: success(true, false)}, 500, nil, Verdict{Meaning: Delivered}},
		"success fails on a 2xx":        {Conventions{Success: success(false, false)}, 200, later, Verdict{Meaning: Rejected}},
		"success fails elsewhere":       {Conventions{Success: success(false, false)}, 500, later, Verdict{Meaning: Unwell, Wait: 7 * time.Second}},
		"success unread on a 2xx":       {Conventions{Success: success(false, true)}, 201, nil, Verdict{Meaning: Delivered, Warning: tooLong}},
		"success unread elsewhere":      {Conventions{Success: success(false, true)}, 400, nil, Verdict{Meaning: Rejected}},
		"success holds though not read": {Conventions{Success: success(true, true)}, 200, nil, Verdict{Meaning: Delivered}},
	} {
		got := test.conventions.Read(Answer{Status: test.status, Header: test.header, Body: []byte("said"), Unread: tooLong})
		if got.Meaning != test.want.Meaning || got.Wait != test.want.Wait || !strings.Contains(got.Warning, test.want.Warning) || (got.Warning == "") != (test.want.Warning == "") {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
		if !strings.HasSuffix(got.Detail, ": said") {
			t.Errorf("%s: the detail %q does not keep the answer", name, got.Detail)
		}
	}
}

func TestSeconds(t *testing.T) {
	zero := 0.0
	for n, want := range map[float64]time.Duration{
		0: 0, -1: 0, 0.25: 250 * time.Millisecond, 90: 90 * time.Second, 3601: time.Hour, 1e300: time.Hour,
		1 / zero: time.Hour, -1 / zero: 0,
	} {
		if got := Seconds(n); got != want {
			t.Errorf("%v: %v, want %v", n, got, want)
		}
	}
	if got := Seconds(zero / zero); got != 0 {
		t.Errorf("no number: %v", got)
	}
}
