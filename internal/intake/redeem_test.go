package intake

import (
	"errors"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

func TestRedeem(t *testing.T) {
	f := newFixture(t, open("a"))
	kept := func(body string) Kept {
		return Kept{Source: "a", Body: []byte(body), ReceivedAt: now.Add(-time.Hour), Letter: "01ARZ3NDEKTSV4RRFFQ69G5FAV"}
	}
	for _, body := range []string{`{"id":"1"}`, "detail=%7B%22id%22%3A%222%22%7D"} {
		receipt, err := f.Redeem(t.Context(), kept(body))
		if err != nil || receipt.Revision != 1 || receipt.Duplicate {
			t.Fatalf("%s: %+v %v", body, receipt, err)
		}
	}
	if receipt, err := f.Redeem(t.Context(), kept(`{"id":"1"}`)); err != nil || !receipt.Duplicate {
		t.Errorf("again: %+v %v", receipt, err)
	}
	if at := f.store.records[0].ReceivedAt; !at.Equal(now.Add(-time.Hour)) {
		t.Errorf("received at %v", at)
	}
	if f.store.redeemed != 3 {
		t.Errorf("%d acceptances name the dead letter, want 3", f.store.redeemed)
	}
	for body, is := range map[string]func(error) bool{
		`{"id":"event"}`:   func(err error) bool { return errors.As(err, new(*call.NotACall)) },
		`{"id":"panic"}`:   func(err error) bool { return errors.As(err, new(*call.Unreadable)) },
		`{"id":"odd"}`:     func(err error) bool { return errors.As(err, new(*call.Unreadable)) },
		`{"id":"nothing"}`: func(err error) bool { return errors.As(err, new(*call.Unreadable)) },
		"":                 func(err error) bool { return errors.As(err, new(*call.Unreadable)) },
	} {
		if _, err := f.Redeem(t.Context(), kept(body)); !is(err) {
			t.Errorf("%s: error %v", body, err)
		}
	}
	if _, err := f.Redeem(t.Context(), Kept{Source: "b"}); !errors.Is(err, ErrNoSource) {
		t.Errorf("another source: %v", err)
	}
	f.store.fail(errors.New("disk"))
	if _, err := f.Redeem(t.Context(), kept(`{"id":"9"}`)); !errors.Is(err, spool.ErrUnavailable) {
		t.Errorf("a broken store: %v", err)
	}
	if len(f.store.letters) > 0 {
		t.Error("what cannot be read was kept once more")
	}
}
