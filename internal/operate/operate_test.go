package operate_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// broken is a store with a damaged call and letter, whose lanes cannot be read.
type broken struct{ operate.Store }

var errDisk = errors.New("the disk does not answer")

func (broken) Lanes(context.Context) ([]spool.LaneStatus, error) { return nil, errDisk }

func (broken) Call(context.Context, string) (spool.CallDetail, error) {
	return spool.CallDetail{ID: "dialer:a", Revisions: []spool.CallSummary{{Revision: 1, Record: json.RawMessage(`{"id":"dial`)}}}, nil
}

func (broken) DeadLetter(context.Context, string) (spool.DeadLetterDetail, error) {
	return spool.DeadLetterDetail{Record: json.RawMessage(`{"id":"dial`), Body: []byte("\xff\xfe")}, nil
}

// TestDamageSpoilsNoAnswer: a damaged record is null in the answer, and can still be
// looked into.
func TestDamageSpoilsNoAnswer(t *testing.T) {
	r := newRig(t)
	r.deps.Store = broken{r.spool}
	c, err := r.operator().Call(t.Context(), "dialer:a")
	text, merr := json.Marshal(c)
	if want := `"record":null`; err != nil || merr != nil || strings.Count(string(text), want) != 2 || string(c.Revisions[0].Kept) != `{"id":"dial` {
		t.Errorf("call: %s %v %v", text, err, merr)
	}
	l, err := r.operator().Letter(t.Context(), "x")
	text, merr = json.Marshal(l)
	if err != nil || merr != nil || strings.Contains(string(text), "record") || !strings.Contains(string(text), `"body_base64":"//4="`) || string(l.Kept) != `{"id":"dial` {
		t.Errorf("letter: %s %v %v", text, err, merr)
	}
	if operate.RecordOf([]byte(`{"id":"dial`)) != nil || operate.RecordOf([]byte(`{}`)) != nil || operate.RecordOf([]byte(`{"id":"dialer:a"}`)) == nil {
		t.Error("a damaged record is read, or a sound one is not")
	}
}

func TestStatus(t *testing.T) {
	r := newRig(t)
	r.bury("a")
	r.keep("bad")
	o := r.operator()
	if _, err := o.Pause(t.Context(), "crm", operate.PauseRequest{}); err != nil {
		t.Fatal(err)
	}
	s, err := o.Status(t.Context())
	if err != nil || s.DeadLetters != (operate.DeadTotals{Intake: 1, Delivery: 1}) || !s.Ready || len(s.Sinks) != 1 || !s.Sinks[0].Paused.ByOperator() || s.Sinks[0].PerSecond != 5 {
		t.Errorf("%+v %v", s, err)
	}
	if err := r.spool.SetLanes(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	r.deps.Server = func() operate.Server { return operate.Server{Ready: errDisk} }
	s, err = r.operator().Status(t.Context())
	if err != nil || s.Ready || s.NotReady != errDisk.Error() || len(s.Sinks) != 1 || s.Sinks[0].Configured || s.Sinks[0].DeadLetters != 1 {
		t.Errorf("a sink that is gone: %+v %v", s, err)
	}
	r.deps.Store = broken{r.spool}
	r.deps.Server = func() operate.Server { return operate.Server{Version: "v1", StartedAt: time.Now()} }
	if s, err := r.operator().Status(t.Context()); !errors.Is(err, errDisk) || s.Version != "v1" {
		t.Errorf("beside an error: %+v %v", s, err)
	}
}

func TestCheckCalls(t *testing.T) {
	for _, f := range []operate.CallFilter{{}, {Number: "7890"}, {Number: "+62 812"}, {Outcome: "no_answer"}} {
		if err := operate.CheckCalls(f); err != nil {
			t.Errorf("%+v: %v", f, err)
		}
	}
	for _, f := range []operate.CallFilter{{Number: "abc"}, {Number: "000"}, {Outcome: "bored"}} {
		if _, ok := errors.AsType[*operate.InputError](operate.CheckCalls(f)); !ok {
			t.Errorf("%+v is taken", f)
		}
	}
}

func TestResendAndErase(t *testing.T) {
	r := newRig(t)
	r.deps.NumberForms = func(typed string) (spool.NumberForms, error) {
		if typed == "" {
			return spool.NumberForms{}, errors.New("write a number")
		}
		return spool.NumberForms{Digits: []string{typed}}, nil
	}
	r.bury("a")
	o := r.operator()
	id := call.NewID("dialer", "a")
	got, err := o.Resend(t.Context(), id, []string{"crm", "crm"})
	if err != nil || len(got.Resent) != 1 || len(got.Waiting) != 0 {
		t.Errorf("resend: %+v %v", got, err)
	}
	if got, err = o.Resend(t.Context(), id, []string{"crm"}); err != nil || len(got.Resent) != 0 || len(got.Waiting) != 1 {
		t.Errorf("resend again: %+v %v", got, err)
	}
	_, empty := o.Resend(t.Context(), id, nil)
	_, unread := o.Erase(t.Context(), "", true)
	for _, err := range []error{empty, unread} {
		if _, ok := errors.AsType[*operate.InputError](err); !ok {
			t.Error(err)
		}
	}
	erased, err := o.Erase(t.Context(), "81234567890", false)
	if err != nil || erased.Number != "81234567890" || strings.Contains(r.log.String(), "81234567890") || !strings.Contains(r.log.String(), "number=812******90") {
		t.Errorf("erase: %+v %v\n%s", erased, err, r.log.String())
	}
}
