package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// send posts to the private listener and gives the answer.
func (r *running) send(path, body string) (status int, answer string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, "http://"+r.AdminAddr().String()+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	status = r.do(req, &answer)
	return status, answer
}

// callback posts a body to a source and gives the status.
func (r *running) callback(path, body string) int {
	r.t.Helper()
	return r.callbackAs("", path, body)
}

// callbackAs posts a body with its Content-Type.
func (r *running) callbackAs(contentType, path, body string) int {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, "http://"+r.Addr().String()+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	return r.do(req, nil)
}

// letters gives the dead letters as the API lists them.
func (r *running) letters() (items []struct{ ID, Detail, Stage string }) {
	r.t.Helper()
	_, body := r.get("/api/v1/dead-letters")
	var list struct {
		Items []struct{ ID, Detail, Stage string }
	}
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		r.t.Fatal(err)
	}
	return list.Items
}

// sourceOf is a configuration whose one source has a format; the body of these tests
// has an identity for one format only.
func sourceOf(dir, format, url string) string {
	return fmt.Sprintf(`listen: "127.0.0.1:0"
admin: {listen: "127.0.0.1:0"}
spool: {path: %q}
sources: [{name: desk, format: %s, region: ID, auth: {open: true}}]
sinks: [{name: crm, webhook: {url: %q}}]
rules: [{name: all, to: [crm]}]
`, filepath.Join(dir, "s.db"), format, url)
}

// TestRedeem: a callback that could not be understood is read again with the
// adapter of today's configuration, routed by its rules, and delivered.
func TestRedeem(t *testing.T) {
	crm := newCounter(t, http.StatusOK)
	dir := t.TempDir()
	r := run(t, sourceOf(dir, "infin8linx", crm.URL))
	const gbk = "application/json; charset=gbk"
	const body = `{"callId": "abc", "caller": "6281234567890", "direction": 1, "startTime": 1691372191000, "intent": "` + "\xd7\xaa" + `"}`
	if status := r.callbackAs(gbk, "/callbacks/desk", body); status != http.StatusBadRequest {
		t.Fatalf("with the wrong format: %d", status)
	}
	if status := r.callback("/callbacks/desk", "garbage"); status != http.StatusBadRequest {
		t.Fatal(status)
	}
	if status, answer := r.send("/api/v1/dead-letters/replay", `{"filter":{"stage":"intake"}}`); status != http.StatusOK || !strings.Contains(answer, `"kept":2`) {
		t.Errorf("before it is mended: %d %s", status, answer)
	}
	if err := r.reload(sourceOf(dir, "nxcc", crm.URL)); err != nil {
		t.Fatal(err)
	}
	status, answer := r.send("/api/v1/dead-letters/replay", `{"filter":{"stage":"intake"}}`)
	if status != http.StatusOK || !strings.Contains(answer, `"accepted":1,`) || !strings.Contains(answer, `"kept":1,`) {
		t.Errorf("after it is mended: %d %s", status, answer)
	}
	left := r.letters()
	if len(left) != 1 || !strings.Contains(left[0].Detail, "JSON") {
		t.Errorf("left: %+v", left)
	}
	eventually(t, "the call is delivered", func() bool { return crm.n.Load() == 1 })
	_, call := r.get("/api/v1/calls/desk:abc")
	if !strings.Contains(call, `"format":"nxcc"`) || !strings.Contains(call, `"intent":"转"`) || !strings.Contains(call, `"received_at"`) {
		t.Errorf("call: %s", call)
	}
	if status := r.callbackAs(gbk, "/callbacks/desk", body); status != http.StatusOK {
		t.Errorf("the same callback again: %d", status)
	}
	if _, m := r.get("/metrics"); !strings.Contains(m, `cdrelay_rules_matched_total{rule="all"} 1`) || !strings.Contains(m, `cdrelay_dead_letters{sink="",stage="intake"} 1`) {
		t.Error("the metrics do not count it as a call that was kept once")
	}
	if err := r.reload(strings.Replace(sourceOf(dir, "nxcc", crm.URL), "name: desk", "name: other", 1)); err != nil {
		t.Fatal(err)
	}
	if _, answer := r.send("/api/v1/dead-letters/replay", `{"filter":{}}`); !strings.Contains(answer, `no such source is configured`) {
		t.Errorf("without the source: %s", answer)
	}
}

// TestReplayIsCounted: a delivery replayed after its sink was mended arrives,
// and is counted.
func TestReplayIsCounted(t *testing.T) {
	bad, good := newCounter(t, http.StatusUnprocessableEntity), newCounter(t, http.StatusOK)
	dir := t.TempDir()
	r := run(t, head(dir)+toCRM(bad.URL))
	r.post(1)
	eventually(t, "a dead letter is made", func() bool { return len(r.letters()) == 1 })
	if err := r.reload(head(dir) + toCRM(good.URL)); err != nil {
		t.Fatal(err)
	}
	if status, answer := r.send("/api/v1/dead-letters/replay", fmt.Sprintf(`{"ids":[%q]}`, r.letters()[0].ID)); status != http.StatusOK || !strings.Contains(answer, `"replayed":1`) {
		t.Fatalf("%d %s", status, answer)
	}
	eventually(t, "it is delivered", func() bool { return good.n.Load() == 1 })
	if _, m := r.get("/metrics"); !strings.Contains(m, `cdrelay_replayed_total{sink="crm"} 1`) {
		t.Error("it is not counted")
	}
}

// TestEraseReadsNumbersAsTheSourcesDo: national in the region of a source.
func TestEraseReadsNumbersAsTheSourcesDo(t *testing.T) {
	crm := newCounter(t, http.StatusOK)
	r := run(t, sourceOf(t.TempDir(), "nxcc", crm.URL))
	r.callback("/callbacks/desk", `{"callId": "abc", "caller": "6281234567890", "direction": 1, "startTime": 1691372191000}`)
	eventually(t, "the call is delivered", func() bool { return crm.n.Load() == 1 })
	eventually(t, "it is erased", func() bool {
		status, answer := r.send("/api/v1/calls/erase", `{"number":"0812-3456-7890"}`)
		return status == http.StatusOK && strings.Contains(answer, `"number":"+6281234567890","calls":1`)
	})
	if status, _ := r.get("/api/v1/calls/desk:abc"); status != http.StatusNotFound {
		t.Errorf("the call is still there: %d", status)
	}
	if status, answer := r.send("/api/v1/calls/erase", `{"number":"1001"}`); status != http.StatusBadRequest || !strings.Contains(answer, "too short") {
		t.Errorf("an extension: %d %s", status, answer)
	}
}
