package admin

import (
	"net/http"
	"strings"

	"github.com/cdrelay/cdrelay/internal/problem"
)

// route is one path of the API behind the doors.
type route struct {
	method, path string
	handle       http.HandlerFunc
	// about is a line for people.
	about string
}

// routes is the whole API; openapi.json says the same, and a test holds the two
// together.
func (a *api) routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/api/v1/status", a.status, "sources, sinks, what waits, dead letters"},
		{get, "/api/v1/calls", a.calls, "?number=&source=&sink=&state=&outcome=&direction=&agent=&account=&since=&until=&limit=&cursor="},
		{get, "/api/v1/calls/{id}", a.call, "one call with its deliveries and attempts"},
		{post, "/api/v1/calls/{id}/resend", a.resend, `{"sinks":[…]}`},
		{post, "/api/v1/calls/resend", a.resendCalls, `{"filter":{…},"sinks":[…]}`},
		{post, "/api/v1/calls/erase", a.erase, `{"number":…}: every trace of it`},
		{get, "/api/v1/dead-letters", a.deadLetters, "?stage=&sink=&source=&reason=&number=&answer=&since=&until=&limit=&cursor="},
		{get, "/api/v1/dead-letters/groups", a.deadLetterGroups, "by sink, reason and answer: ?stage=&…&until=&cursor="},
		{get, "/api/v1/dead-letters/{id}", a.deadLetter, "one dead letter with its record or body"},
		{post, "/api/v1/dead-letters/replay", a.replay, `{"ids":[…]} or {"filter":{…}}; or {"id":…,"body":…}, edited`},
		{post, "/api/v1/dead-letters/purge", a.purge, "the same"},
		{get, "/api/v1/events", a.events, "?call=&sink=&since=&until=&limit=&cursor=: what operators did"},
		{get, "/api/v1/sinks", a.sinks, "how each sink is, and why"},
		{get, "/api/v1/sinks/{name}", a.sink, "one sink: last failure with its request, success and latency"},
		{post, "/api/v1/sinks/{name}/pause", a.pause, `until resumed; {"for":…,"reason":…}`},
		{post, "/api/v1/sinks/{name}/resume", a.resume, ""},
		{post, "/api/v1/sinks/{name}/test", a.test, "one sample call, marked as a test"},
		{get, "/api/v1/sources", a.sources, "what came to each source, and what was refused"},
		{get, "/api/v1/sources/{name}", a.source, "one source, with a test callback"},
		{post, "/api/v1/explain", a.explain, `{"source":…,"callback":…}: what would become of it`},
		{get, "/api/v1/openapi.json", a.openAPI, "this API, for programs"},
		{post, "/-/reload", a.reload, "read the configuration again"},
	}
}

// mux serves the API and what is beside it.
func (a *api) mux() *http.ServeMux {
	m := http.NewServeMux()
	for _, r := range a.routes() {
		m.HandleFunc(r.method+" "+r.path, r.handle)
	}
	if a.Page == nil {
		m.HandleFunc("GET /{$}", a.index)
		m.HandleFunc("/", nothing(m))
		return m
	}
	m.HandleFunc("/api/", nothing(m))
	m.HandleFunc("/-/", nothing(m))
	m.Handle("/", a.Page)
	return m
}

// nothing answers what no route of m takes: the path is not there, or it is with
// another method.
func nothing(m *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		other := *r
		for _, other.Method = range []string{http.MethodGet, http.MethodPost} {
			if _, pattern := m.Handler(&other); strings.HasPrefix(pattern, other.Method+" ") {
				w.Header().Set("Allow", other.Method)
				problem.Write(w, http.StatusMethodNotAllowed, "this takes "+other.Method+", not "+r.Method)
				return
			}
		}
		problem.Write(w, http.StatusNotFound, "there is nothing here: GET /api/v1/openapi.json tells what there is")
	}
}

func (a *api) index(w http.ResponseWriter, _ *http.Request) {
	var b strings.Builder
	line := func(method, path, about string) {
		b.WriteString(strings.TrimSpace(pad(method, 5)+pad(path, 33)+about) + "\n")
	}
	b.WriteString("cdrelay, private listener\n\n")
	line(http.MethodGet, "/healthz", "the process lives")
	line(http.MethodGet, "/readyz", "callbacks are taken")
	line(http.MethodGet, "/metrics", "for Prometheus")
	for _, r := range a.routes() {
		line(r.method, r.path, r.about)
	}
	writeText(w, http.StatusOK, b.String())
}

func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(width-len(text), 1))
}
