package intake

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/route"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// cheap is rules without the one that costs too much.
type cheap struct{}

func (cheap) Match(*call.Record) route.Decision { return route.Decision{Sinks: []string{"crm"}} }

// TestRulesThatCostTooMuch keeps the callback with the rule's name, once, and
// takes it when the rule is mended.
func TestRulesThatCostTooMuch(t *testing.T) {
	f := newFixture(t, open("a"))
	const body = `{"id":"costly"}`
	for range 2 {
		res, text := f.do(t, post(body))
		if res.StatusCode != 400 || !strings.Contains(text, `rule \"broken\"`) {
			t.Errorf("status %d, %s", res.StatusCode, text)
		}
	}
	if len(f.store.letters) != 1 || string(f.store.letters[0].Body) != body || !strings.HasPrefix(f.store.letters[0].Detail, `rule "broken": `) {
		t.Fatalf("kept %+v", f.store.letters)
	}
	kept := Kept{Source: "a", Body: []byte(body), ReceivedAt: now, Letter: "01ARZ3NDEKTSV4RRFFQ69G5FAV"}
	if _, err := f.Redeem(t.Context(), kept); !errors.As(err, new(*call.Unreadable)) || !strings.Contains(err.Error(), "broken") {
		t.Errorf("redeemed by the same rules: %v", err)
	}
	mended := testConfig(open("a"))
	mended.Router = cheap{}
	if err := f.update(mended); err != nil {
		t.Fatal(err)
	}
	if receipt, err := f.Redeem(t.Context(), kept); err != nil || receipt.Revision != 1 {
		t.Errorf("redeemed by mended rules: %+v, %v", receipt, err)
	}
}

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
	if _, err := f.Redeem(t.Context(), Kept{Source: "b"}); !errors.Is(err, errNoSource) {
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
