package admin_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

const (
	replayPath = "/api/v1/dead-letters/replay"
	purgePath  = "/api/v1/dead-letters/purge"
)

func TestReplayByIDs(t *testing.T) {
	f := newFixture(t)
	log := f.wire()
	counted := map[string]int{}
	f.operate.Replayed = func(sink string, n int) { counted[sink] += n }
	f.bury("dialer:a")
	f.keep("good-1", "bad-1", "event")
	var ids []string
	for _, l := range f.list("").Items {
		ids = append(ids, fmt.Sprintf("%q", l["id"]))
	}
	ids = append(ids, strings.ToLower(ids[0]), `"01ARZ3NDEKTSV4RRFFQ69G5FAV"`)
	body := `{"ids":[` + strings.Join(ids, ",") + `]`
	counts := []string{"matched", "intake", "by_sink", "missing", "replayed", "accepted", "ignored", "kept"}
	if got := f.post(replayPath, body+`,"dry_run":true}`).text(counts...); got != "matched=4 intake=3 by_sink=map[crm:1] missing=1 replayed=0 accepted=0 ignored=0 kept=0" {
		t.Errorf("dry: %s", got)
	}
	if len(f.list("").Items) != 4 || log.Len() > 0 {
		t.Errorf("a dry run changed something: %s", log)
	}
	got := f.post(replayPath, body+`}`)
	if got.text(counts...) != "matched=4 intake=3 by_sink=map[crm:1] missing=1 replayed=1 accepted=1 ignored=1 kept=1" {
		t.Errorf("replay: %v", got)
	}
	left := f.list("").Items
	if len(left) != 1 || left[0]["detail"] != "still not understood" {
		t.Errorf("left: %v", left)
	}
	if failures := fmt.Sprint(got["failures"]); !strings.Contains(failures, "still not understood") || !strings.Contains(failures, fmt.Sprint(left[0]["id"])) {
		t.Errorf("failures: %s", failures)
	}
	if counted["crm"] != 1 {
		t.Errorf("counted: %v", counted)
	}
	if got := f.get("/api/v1/calls").items("id"); got != "dialer:good-1 dialer:a" {
		t.Errorf("calls: %s", got)
	}
	if line := log.String(); strings.Count(line, "\n") != 1 || !strings.Contains(line, "via=api replayed=1 accepted=1 ignored=1 kept=1 complete=true") {
		t.Errorf("log: %s", line)
	}
}

func TestReplayByFilterInParts(t *testing.T) {
	f := newFixture(t)
	f.wire()
	for i := range 5 {
		f.bury(fmt.Sprintf("dialer:%d", i))
	}
	f.keep("bad")
	first := f.post(replayPath, `{"filter":{"sink":"crm","reason":"rejected"},"limit":2}`)
	if first.text("matched", "replayed") != "matched=2 replayed=2" || first["next_cursor"] == "" {
		t.Fatalf("first part: %v", first)
	}
	if left := f.list("?sink=crm").Items; len(left) != 3 || left[2]["call_id"] != "dialer:2" {
		t.Errorf("not oldest first: %v", left)
	}
	f.bury("dialer:later")
	rest := f.post(replayPath, fmt.Sprintf(`{"filter":{"sink":"crm"},"cursor":%q}`, first["next_cursor"]))
	if rest.text("matched", "replayed", "next_cursor") != "matched=3 replayed=3 next_cursor=" {
		t.Errorf("second part: %v", rest)
	}
	if left := f.list("?sink=crm").Items; len(left) != 1 || left[0]["call_id"] != "dialer:later" {
		t.Errorf("what came later is not left alone: %v", left)
	}
	if got := f.post(replayPath, `{"filter":{"until":"2020-01-01T00:00:00Z"}}`).text("matched"); got != "matched=0" {
		t.Errorf("filter by time: %s", got)
	}
	if got := f.post(replayPath, `{"filter":{}}`).text("matched", "replayed", "kept"); got != "matched=2 replayed=1 kept=1" {
		t.Errorf("all: %s", got)
	}
}

// TestReplayInPartsBehindALetterOfTheFuture: the cursor keeps when the first part
// began.
func TestReplayInPartsBehindALetterOfTheFuture(t *testing.T) {
	f := newFixture(t)
	f.wire()
	future := spool.Undecodable{Source: "dialer", Body: []byte("good-future"), ReceivedAt: time.Now().Add(72 * time.Hour)}
	if err := f.spool.KeepUndecodable(t.Context(), future); err != nil {
		t.Fatal(err)
	}
	f.bury("dialer:a")
	first := f.post(replayPath, `{"filter":{},"limit":1}`)
	if first.text("replayed", "accepted") != "replayed=1 accepted=0" {
		t.Fatalf("first part: %v", first)
	}
	<-time.After(10 * time.Millisecond) // the next letter has a later time
	f.bury("dialer:later")
	rest := f.post(replayPath, fmt.Sprintf(`{"filter":{},"cursor":%q}`, first["next_cursor"]))
	if rest.text("replayed", "accepted", "next_cursor") != "replayed=0 accepted=1 next_cursor=" {
		t.Errorf("second part: %v", rest)
	}
}

func TestReplayRate(t *testing.T) {
	f := newFixture(t)
	f.wire()
	f.bury("dialer:a")
	f.bury("dialer:b")
	start := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	got := f.post(replayPath, fmt.Sprintf(`{"filter":{},"rate_per_second":0.5,"not_before":%q}`, start.Format(time.RFC3339)))
	if want := start.Add(4 * time.Second).Format("2006-01-02T15:04:05.000Z"); got["next_due_at"] != want {
		t.Errorf("next due at %v, want %s", got["next_due_at"], want)
	}
	for id, want := range map[string]time.Time{"dialer:a": start, "dialer:b": start.Add(2 * time.Second)} {
		c, err := f.spool.Call(t.Context(), id)
		if err != nil || !c.Deliveries[0].DueAt.Equal(want) {
			t.Errorf("%s: due %v %v, want %v", id, c.Deliveries, err, want)
		}
	}
}

// TestReplayEndsWithItsClient: what is left stays.
func TestReplayEndsWithItsClient(t *testing.T) {
	f := newFixture(t)
	log := f.wire()
	f.keep("good-1", "good-2", "good-3")
	ctx, cancel := context.WithCancel(t.Context())
	redeem := f.operate.Redeem
	f.operate.Redeem = func(ctx context.Context, d spool.DeadLetterDetail) error {
		defer cancel()
		return redeem(ctx, d)
	}
	f.accept("a")
	if w := f.sendIn(ctx, http.MethodPost, replayPath, `{"filter":{}}`); w.Body.Len() > 0 {
		t.Errorf("answered: %s", w.Body)
	}
	if left := f.list("").Items; len(left) != 2 {
		t.Errorf("%d are left, want 2", len(left))
	}
	if !strings.Contains(log.String(), "accepted=1") || !strings.Contains(log.String(), "complete=false") {
		t.Errorf("log: %s", log)
	}
}

func TestPurge(t *testing.T) {
	f := newFixture(t)
	log := f.wire()
	f.bury("dialer:a")
	f.keep("bad-1", "bad-2")
	if got := f.post(purgePath, `{"filter":{"stage":"intake"},"dry_run":true}`).text("matched", "purged"); got != "matched=2 purged=0" {
		t.Errorf("dry: %s", got)
	}
	if got := f.post(purgePath, `{"filter":{"stage":"intake"}}`).text("matched", "intake", "purged"); got != "matched=2 intake=2 purged=2" {
		t.Errorf("purge: %s", got)
	}
	id := f.list("").Items[0]["id"]
	if got := f.post(purgePath, fmt.Sprintf(`{"ids":[%q,"x"]}`, id)).text("purged", "missing", "by_sink"); got != "purged=1 missing=1 by_sink=map[crm:1]" {
		t.Errorf("purge by id: %s", got)
	}
	if len(f.list("").Items) != 0 || strings.Count(log.String(), "an operator purged dead letters") != 2 {
		t.Errorf("left %v, log %s", f.list(""), log)
	}
}

func TestSelectionIsRefused(t *testing.T) {
	f := newFixture(t)
	f.wire()
	cases := map[string]string{
		`{}`: "either", `{"ids":["a"],"filter":{}}`: "either", `{"ids":[1]}`: `"ids" must be`, `{"ids":["a"],"limit":1}`: "with", `{"filter":{},"limit":-1}`: "1 or more",
		`{"filter":{},"cursor":"x"}`: "cursor", `{"filter":{"colour":1}}`: `unknown field "filter.colour"`, `{"filter":{"since":"today"}}`: `"filter.since" must be a time`,
		`{"filter":{"stage":"delivry"}}`: `no stage "delivry"`, `{"filter":{"reason":"x"}}`: `no reason "x"`, `{"filter":[]}`: "filter must be a JSON object", `{"filter":null}`: "filter must be",
		`{"filter":{},"dry_run":"yes"}`: `"dry_run" must be`, `{"filter":{},"limit":1.5}`: `"limit" must be`,
		`{"filter":{},"rate_per_second":-1}`: "rate_per_second", `{"filter":{},"rate_per_second":"1"}`: `"rate_per_second" must be a number`,
		`{"ids":["` + strings.Repeat(`a","`, 100_000) + `b"]}`: "at most 100000",
	}
	f.refused(t, replayPath, http.StatusBadRequest, cases)
	f.refused(t, purgePath, http.StatusBadRequest, cases)
	f.refused(t, replayPath, http.StatusBadRequest, map[string]string{`{"filter":{},"not_before":1}`: "not_before"})
	f.refused(t, purgePath, http.StatusBadRequest, map[string]string{`{"filter":{},"not_before":1}`: "unknown field"})
}

// A purge takes a rate, as a replay does, and holds to it.
func TestPurgeAtARate(t *testing.T) {
	for _, which := range []string{`"filter":{}`, `"ids":[%s]`} {
		f := newFixture(t)
		f.wire()
		f.keep("bad-1", "bad-2", "bad-3")
		if strings.Contains(which, "%s") {
			var ids []string
			for _, l := range f.list("").Items {
				ids = append(ids, fmt.Sprintf("%q", l["id"]))
			}
			which = fmt.Sprintf(which, strings.Join(ids, ","))
		}
		begun := time.Now()
		if got := f.post(purgePath, `{`+which+`,"rate_per_second":20}`).text("purged"); got != "purged=3" {
			t.Errorf("%s: %s", which, got)
		}
		// The first two at once, the third when they have taken their tenth of a second.
		if took := time.Since(begun); took < 100*time.Millisecond {
			t.Errorf("%s: three at 20 a second in %v", which, took)
		}
	}
}
