package call_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/call"
)

// at is a moment some milliseconds into the test's hour.
func at(ms int64) call.Time { return call.At(time.UnixMilli(1_760_000_000_000 + ms)) }

func TestDeriveCustomer(t *testing.T) {
	t.Parallel()
	from, to := call.Party{Raw: "1"}, call.Party{Raw: "2"}
	for direction, want := range map[call.Direction]*call.Party{
		call.Inbound: &from, call.Outbound: &to, call.Internal: nil, call.UnknownDirection: nil,
	} {
		r := call.Record{Direction: direction, From: from, To: to}
		r.Derive()
		if diff := cmp.Diff(want, r.Customer); diff != "" {
			t.Errorf("%s: %s", direction, diff)
		}
	}
	r := call.Record{Direction: call.Outbound, From: from}
	if r.Derive(); r.Customer != nil {
		t.Errorf("an unknown party became a customer: %+v", r.Customer)
	}
}

func TestDeriveSeconds(t *testing.T) {
	t.Parallel()
	r := call.Record{
		Answered: true, StartedAt: at(0), RingingAt: at(2500), AnsweredAt: at(10_000), EndedAt: at(70_999),
		Queue: call.Queue{EnteredAt: at(100), LeftAt: at(5900)},
	}
	r.Derive()
	wantSeconds(t, r, []any{10, 7, 60, 70, 5})

	r = call.Record{StartedAt: at(0), RingingAt: at(2500), EndedAt: at(30_000)}
	r.Derive()
	wantSeconds(t, r, []any{30, 27, nil, 30, nil})

	r = call.Record{Answered: true, StartedAt: at(0), EndedAt: at(30_000)}
	r.Derive()
	wantSeconds(t, r, []any{nil, nil, nil, 30, nil})

	r = call.Record{Answered: true, StartedAt: at(0), AnsweredAt: at(5000), EndedAt: at(30_000), TalkSeconds: new(7), WaitSeconds: new(0)}
	r.Derive()
	wantSeconds(t, r, []any{0, nil, 7, 30, nil})
}

func wantSeconds(t *testing.T, r call.Record, want []any) {
	t.Helper()
	var got []any
	for _, s := range []*int{r.WaitSeconds, r.RingSeconds, r.TalkSeconds, r.TotalSeconds, r.Queue.Seconds} {
		if s == nil {
			got = append(got, nil)
			continue
		}
		got = append(got, *s)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("wait, ring, talk, total, queue (-want +got):\n%s", diff)
	}
	if len(r.Warnings) > 0 {
		t.Errorf("warnings: %q", r.Warnings)
	}
}

func TestDeriveWarnsOfOrder(t *testing.T) {
	t.Parallel()
	r := call.Record{
		Answered: true, StartedAt: at(9000), AnsweredAt: at(5000), EndedAt: at(1000),
		Queue: call.Queue{EnteredAt: at(9000), LeftAt: at(1000)},
	}
	r.Derive()
	want := []string{
		"answered_at is before started_at", "ended_at is before answered_at",
		"queue.left_at is before queue.entered_at",
	}
	if diff := cmp.Diff(want, r.Warnings); diff != "" {
		t.Error(diff)
	}
	r.Warnings = nil
	wantSeconds(t, r, []any{nil, nil, nil, nil, nil})
}

func TestPlausible(t *testing.T) {
	t.Parallel()
	for day, want := range map[string]bool{
		"1970-01-20T13:49:32Z": false, "1999-12-31T23:59:59Z": false, "2000-01-01T00:00:00Z": true,
		"2099-12-31T23:59:59Z": true, "2100-01-01T00:00:00Z": false, "2100-01-01T00:00:00+08:00": true,
	} {
		moment, err := time.Parse(time.RFC3339, day)
		if err != nil {
			t.Fatal(err)
		}
		if got := call.Plausible(moment); got != want {
			t.Errorf("%s: got %v", day, got)
		}
	}
}

// Platforms cut some of their times to seconds.
func TestTimesThatWereCutAreInOrder(t *testing.T) {
	t.Parallel()
	start := time.Date(2025, 10, 16, 9, 0, 1, 999e6, time.UTC)
	for early, warnings := range map[time.Duration]int{0: 0, time.Second: 0, 1999 * time.Millisecond: 0, 2 * time.Second: 1} {
		r := call.Record{StartedAt: call.At(start), RingingAt: call.At(start.Add(-early)), EndedAt: call.At(start.Add(time.Minute))}
		r.Derive()
		if len(r.Warnings) != warnings {
			t.Errorf("%v early: %q", early, r.Warnings)
		}
	}
}

func TestIsWebURL(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{
		"https://a.example/x?y#z": true, "HTTP://a.example": true, "http://10.0.0.1:8080/x": true,
		"": false, "a.example/x": false, "//a.example": false, "ftp://a.example": false, "https://": false,
		"http:///x": false, "javascript:alert(1)": false, "https://a b/": false,
	} {
		if got := call.IsWebURL(s); got != want {
			t.Errorf("%q: got %v", s, got)
		}
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	for cause, want := range map[int]call.Outcome{
		1: call.InvalidNumber, 3: call.Unreachable, 16: call.NoAnswer, 17: call.Busy, 18: call.Unreachable,
		19: call.NoAnswer, 21: call.Rejected, 26: call.Canceled, 31: call.UnknownOutcome, 34: call.Congestion,
		38: call.Failed, 57: call.Blocked, 102: call.NoAnswer, 127: call.Failed,
	} {
		if got, ok := call.OutcomeOfCause(cause); got != want || !ok {
			t.Errorf("cause %d: got %s, %v, want %s", cause, got, ok, want)
		}
	}
	for _, cause := range []int{-1, 0, 10, 128, 487} {
		if got, ok := call.OutcomeOfCause(cause); ok || got != call.UnknownOutcome {
			t.Errorf("cause %d: got %s, %v", cause, got, ok)
		}
	}
	for status, want := range map[int]call.Outcome{
		404: call.InvalidNumber, 408: call.NoAnswer, 480: call.Unreachable, 486: call.Busy, 487: call.Canceled,
		503: call.Failed, 603: call.Rejected,
	} {
		if got, ok := call.OutcomeOfSIP(int64(status)); got != want || !ok {
			t.Errorf("status %d: got %s, %v, want %s", status, got, ok, want)
		}
	}
	for _, status := range []int{0, 16, 200, 302, 700} {
		if got, ok := call.OutcomeOfSIP(int64(status)); ok || got != call.UnknownOutcome {
			t.Errorf("status %d: got %s, %v", status, got, ok)
		}
	}
}
