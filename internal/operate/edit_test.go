package operate_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// letterOf keeps a callback and returns its dead letter.
func (r *rig) letterOf(body string) string {
	r.t.Helper()
	r.keep(body)
	page, err := r.operator().Letters(r.t.Context(), operate.LetterFilter{Stage: spool.StageIntake}, 1, "")
	if err != nil || len(page.Items) != 1 {
		r.t.Fatal(page, err)
	}
	return page.Items[0].ID
}

// TestReplayEdited: the call takes the place of the dead letter; what is still not
// understood changes nothing.
func TestReplayEdited(t *testing.T) {
	r := newRig(t)
	id := r.letterOf("bad")
	out, err := r.operator().ReplayEdited(t.Context(), id, []byte("worse"))
	if err != nil || out.Kept != 1 || fmt.Sprint(out.Failures) != "[{"+id+" still not understood}]" {
		t.Errorf("worse: %+v %v", out, err)
	}
	letter, err := r.operator().Letter(t.Context(), id)
	if err != nil || letter.Body != "bad" || letter.Detail != "not JSON" {
		t.Errorf("the dead letter changed: %+v %v", letter, err)
	}
	out, err = r.operator().ReplayEdited(t.Context(), strings.ToLower(id), []byte("good-1"))
	if err != nil || out.Accepted != 1 || out.Matched != 1 || out.Intake != 1 || out.Kept != 0 {
		t.Errorf("good: %+v %v", out, err)
	}
	if _, err := r.spool.Call(t.Context(), "dialer:good-1"); err != nil {
		t.Error(err)
	}
	events, err := r.operator().Events(t.Context(), operate.EventFilter{CallID: "dialer:good-1"}, 10, "")
	if err != nil || len(events.Items) != 1 || events.Items[0].Action != spool.ActionEdit || events.Items[0].Detail != "dead letter "+id {
		t.Errorf("events: %+v %v", events.Items, err)
	}
	if _, err := r.operator().ReplayEdited(t.Context(), id, []byte("good-1")); !errors.Is(err, operate.ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	if n := strings.Count(r.log.String(), "an operator edited a callback"); n != 2 {
		t.Errorf("%d lines in the log:\n%s", n, r.log.String())
	}
}

func TestReplayEditedRefuses(t *testing.T) {
	r := newRig(t)
	r.bury("a")
	page, err := r.operator().Letters(t.Context(), operate.LetterFilter{}, 1, "")
	if err != nil {
		t.Fatal(err)
	}
	callback := r.letterOf("bad")
	for name, c := range map[string]struct {
		id, body, want string
	}{
		"a delivery": {page.Items[0].ID, "good-1", "only a callback that could not be understood"},
		"too long":   {callback, strings.Repeat("x", 1<<20+1), "1 MiB"},
	} {
		if _, err := r.operator().ReplayEdited(t.Context(), c.id, []byte(c.body)); !errors.As(err, new(*operate.InputError)) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	r.deps.Redeem = func(context.Context, spool.DeadLetterDetail) error { return &call.NotACall{Event: "state"} }
	if out, err := r.operator().ReplayEdited(t.Context(), callback, []byte("event")); err != nil || out.Kept != 1 || out.Ignored != 0 || !strings.Contains(out.Failures[0].Reason, "no call") {
		t.Errorf("an event: %+v %v", out, err)
	}
	r.deps.Redeem = func(context.Context, spool.DeadLetterDetail) error { return spool.ErrUnavailable }
	if _, err := r.operator().ReplayEdited(t.Context(), callback, []byte("good-1")); !errors.Is(err, operate.ErrUnavailable) {
		t.Errorf("a full disk: %v", err)
	}
}

// TestReplayEditedIsText: however the callback came, what was edited is UTF-8 and in
// no coding.
func TestReplayEditedIsText(t *testing.T) {
	r := newRig(t)
	for _, c := range []struct{ header, want map[string]string }{
		{nil, map[string]string{"Content-Type": "text/plain; charset=utf-8"}},
		{map[string]string{"Content-Type": "application/json; charset=gbk"}, map[string]string{"Content-Type": "application/json; charset=utf-8"}},
		{map[string]string{"Content-Type": "multipart/form-data; boundary=x", "Content-Encoding": "br"}, map[string]string{"Content-Type": "multipart/form-data; boundary=x; charset=utf-8"}},
		{map[string]string{"Content-Type": "no type; at all"}, map[string]string{"Content-Type": "text/plain; charset=utf-8"}},
	} {
		body := fmt.Sprint("bad ", c.header)
		err := r.spool.KeepUndecodable(t.Context(), spool.Undecodable{Source: "dialer", Body: []byte(body), Request: spool.Request{Header: c.header, Query: "a=b"}})
		if err != nil {
			t.Fatal(err)
		}
		page, err := r.operator().Letters(t.Context(), operate.LetterFilter{}, 1, "")
		if err != nil {
			t.Fatal(err)
		}
		r.deps.Redeem = func(_ context.Context, d spool.DeadLetterDetail) error {
			if !maps.Equal(d.Request.Header, c.want) || d.Request.Query != "a=b" || string(d.Body) != "edited" || d.ID != page.Items[0].ID || d.Source != "dialer" {
				t.Errorf("%v: read as %+v", c.header, d)
			}
			return nil
		}
		if _, err := r.operator().ReplayEdited(t.Context(), page.Items[0].ID, []byte("edited")); err != nil {
			t.Error(err)
		}
	}
}
