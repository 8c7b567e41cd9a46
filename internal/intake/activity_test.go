package intake

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// TestActivity: a source says what came last, and who was refused and why; never with
// what he sent, and not more than a few.
func TestActivity(t *testing.T) {
	guarded := SourceConfig{Name: "a", Auth: Auth{
		Header: &NamedSecret{Name: "token", Value: keys("s3cret")},
		Allow:  []Network{mustNetwork("192.0.2.0/24")},
	}}
	token := header("token", "s3cret")
	f := newFixture(t, guarded)
	if a := f.Activity()["a"]; a.Last != nil || len(a.Refused) != 0 || a.Recent.Day.Total != 0 {
		t.Errorf("before the first callback: %+v", a)
	}
	f.do(t, post(callJSON("1"), token))
	a := f.Activity()["a"]
	if a.Last == nil || a.Last.Result != "accepted" || a.Last.Status != 200 || a.Last.At.IsZero() || len(a.Refused) != 0 {
		t.Fatalf("%+v", a.Last)
	}
	f.do(t, post(callJSON("2"), header("token", "a-guess")))
	f.do(t, post(callJSON("2")))
	f.do(t, post(callJSON("2"), token, from("198.51.100.1:1")))
	f.do(t, httptest.NewRequest(http.MethodGet, "/callbacks/a", nil))
	f.do(t, post("garbage", token))
	f.store.fail(spool.ErrUnavailable)
	f.do(t, post(callJSON("3"), token))
	a = f.Activity()["a"]
	var got []string
	for _, r := range a.Refused {
		got = append(got, fmt.Sprintf("%d %s %v: %s", r.Status, r.Result, r.Client, r.Reason))
	}
	want := []string{
		"503 unavailable 192.0.2.1: callbacks cannot be stored at the moment; send this one again",
		"405 wrong_method 192.0.2.1: callbacks are posted",
		"403 forbidden 198.51.100.1: the address is not in auth.allow",
		"401 unauthorized 192.0.2.1: credentials are missing",
		"401 unauthorized 192.0.2.1: credentials are wrong",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refused (-want +got):\n%s", diff)
	}
	if strings.Contains(fmt.Sprintf("%+v", a), "guess") {
		t.Error("what was sent is remembered")
	}
	if diff := cmp.Diff(map[string]int{"accepted": 1, "unauthorized": 2, "forbidden": 1, "undecodable": 1, "unavailable": 1}, a.Recent.FiveMinutes.Of); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if a.Last.Result != "unavailable" {
		t.Errorf("the last: %+v", a.Last)
	}
	for range 10 {
		f.do(t, post(callJSON("2")))
	}
	if a = f.Activity()["a"]; len(a.Refused) != maxRefusals || a.Last.Result != "unavailable" {
		t.Errorf("%d are remembered, the last is %+v", len(a.Refused), a.Last)
	}
}

// TestActivityOverAReload: a source of the same name goes on with what it was.
func TestActivityOverAReload(t *testing.T) {
	f := newFixture(t, open("a"), open("b"))
	f.do(t, post(callJSON("1")))
	if err := f.update(testConfig(open("a"), open("c"))); err != nil {
		t.Fatal(err)
	}
	got := f.Activity()
	if len(got) != 2 || got["a"].Recent.Day.Total != 1 || got["c"].Recent.Day.Total != 0 {
		t.Errorf("%+v", got)
	}
}
