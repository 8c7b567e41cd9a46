package admin_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func TestPauseAndResume(t *testing.T) {
	f := newFixture(t)
	log := f.wire()
	f.accept("a")
	if got := f.post("/api/v1/sinks/crm/pause", "").text("name", "paused"); got != "name=crm paused=true" {
		t.Errorf("pause: %s", got)
	}
	if p := f.spool.PauseOf("crm"); p.By != spool.ByOperator {
		t.Errorf("pause: %+v", p)
	}
	if got := f.post("/api/v1/sinks/crm/resume", "").text("paused"); got != "paused=false" {
		t.Errorf("resume: %s", got)
	}
	if p := f.spool.PauseOf("crm"); p != (spool.Pause{}) {
		t.Errorf("resumed: %+v", p)
	}
	if strings.Count(log.String(), "changed the pause of a sink") != 2 {
		t.Errorf("log: %s", log)
	}
	f.refused(t, "/api/v1/sinks/nobody/pause", http.StatusNotFound, map[string]string{"": `there is no sink "nobody"`})
}

func TestErase(t *testing.T) {
	f := newFixture(t)
	log := f.wire()
	f.bury("dialer:b")
	f.accept("a")
	f.keep(`{"phone":"0812 3456 7890"`)
	const path, number = "/api/v1/calls/erase", `{"number":"+6281234567890"`
	counts := []string{"number", "calls", "deliveries", "waiting", "dead_letters", "in_flight", "residue", "files"}
	want := "number=+6281234567890 calls=1 deliveries=1 waiting=1 dead_letters=1 in_flight=[] residue=false files=[]"
	if got := f.post(path, number+`,"dry_run":true}`); got.text(counts...) != want || len(f.list("").Items) != 2 {
		t.Errorf("dry: %v", got)
	}
	if got := f.post(path, number+`}`); got.text(counts...) != want {
		t.Errorf("erase: %v", got)
	}
	if got := f.get("/api/v1/calls").items("id"); got != "dialer:b" {
		t.Errorf("left: %s", got)
	}
	if line := log.String(); strings.Count(line, "\n") != 1 || strings.Contains(line, "81234567890") || !strings.Contains(line, "number=+62") {
		t.Errorf("log: %s", line)
	}
	f.refused(t, path, http.StatusBadRequest, map[string]string{`{"number":"0812"}`: "write it with +", `{"number":62812}`: `"number" must be`, `{}`: `"number" is missing`})
}

func TestExplain(t *testing.T) {
	f := newFixture(t)
	const path = "/api/v1/explain"
	f.refused(t, path, http.StatusNotFound, map[string]string{`{"source":"dialer","callback":{}}`: "does not explain"})
	f.wire()
	for callback, want := range map[string]string{`{"a": 1}`: `{"a": 1}`, `"detail=%7B%7D"`: "detail=%7B%7D"} {
		if got := f.post(path, fmt.Sprintf(`{"source":"dialer","callback":%s}`, callback)); got["reason"] != want {
			t.Errorf("%s: %v", callback, got)
		}
	}
	f.refused(t, path, http.StatusNotFound, map[string]string{`{"source":"x","callback":{}}`: "no source x"})
	f.refused(t, path, http.StatusBadRequest, map[string]string{`{"source":"x"}`: `"callback" is missing`})
}
