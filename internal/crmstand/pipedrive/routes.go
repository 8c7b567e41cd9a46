package pipedrive

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/crmstand/wire"
)

// answer is what every answer has: success, and data or an error.
type answer struct {
	Success bool   `json:"success"`
	Data    any    `json:"data"`
	Error   string `json:"error,omitempty"`
	Info    string `json:"error_info,omitempty"`
	Code    string `json:"code,omitempty"`
}

// failure refuses a request.
type failure struct {
	status int
	code   string
	text   string
}

func refuse(status int, code, format string, args ...any) *failure {
	return &failure{status, code, fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *failure {
	return refuse(http.StatusBadRequest, "ERR_SCHEMA_VALIDATION_FAILED", "Validation failed: "+format, args...)
}

func notFound(what string) *failure {
	return refuse(http.StatusNotFound, "ERR_NOT_FOUND", "%s not found", what)
}

// endpoint answers a request while the account is locked.
type endpoint func(r *http.Request, now time.Time) (status int, data any, refused *failure)

func (a *Account) routes() *http.ServeMux {
	mux := http.NewServeMux()
	handle := func(limit *wire.Limit, method, path string, one endpoint) {
		mux.HandleFunc(method+" "+path, func(w http.ResponseWriter, r *http.Request) { a.answer(w, r, limit, one) })
		if old, found := strings.CutPrefix(path, "/api/v1/"); found {
			mux.HandleFunc(method+" /v1/"+old, func(w http.ResponseWriter, r *http.Request) { a.answer(w, r, limit, one) })
		}
	}
	handle(&a.searches, "GET", "/api/v2/persons/search", a.searchPersons)
	handle(nil, "GET", "/api/v1/users/find", a.findUsers)
	handle(nil, "GET", "/api/v1/leads", a.listLeads)
	handle(nil, "POST", "/api/v1/leads", a.addLead)
	handle(nil, "POST", "/api/v2/persons", a.addPerson)
	handle(nil, "GET", "/api/v2/persons/{id}", a.readPerson)
	handle(nil, "POST", "/api/v2/activities", a.addActivity)
	handle(nil, "PATCH", "/api/v2/activities/{id}", a.changeActivity)
	handle(nil, "GET", "/api/v2/activities/{id}", a.readActivity)
	handle(nil, "POST", "/api/v1/callLogs", a.addCallLog)
	handle(nil, "DELETE", "/api/v1/callLogs/{id}", a.deleteCallLog)
	handle(nil, "POST", "/api/v1/callLogs/{id}/recordings", a.addRecording)
	return mux
}

// ServeHTTP answers a request as Pipedrive would.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// answer admits a request and answers it; own is a limit beside that of all requests.
func (a *Account) answer(w http.ResponseWriter, r *http.Request, own *wire.Limit, one endpoint) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.config.Now()
	refused := a.admit(w, r, own, now)
	status, data := 0, any(nil)
	if refused == nil {
		status, data, refused = one(r, now)
	}
	if refused != nil {
		wire.Write(w, refused.status, answer{Error: refused.text, Info: "Please check developers.pipedrive.com for more information about Pipedrive API.", Code: refused.code})
		return
	}
	wire.Write(w, status, answer{Success: true, Data: data})
}

func (a *Account) admit(w http.ResponseWriter, r *http.Request, own *wire.Limit, now time.Time) *failure {
	if r.Header.Get("x-api-token") != a.config.Token && r.Header.Get("Authorization") != "Bearer "+a.config.Token {
		return refuse(http.StatusUnauthorized, "", "unauthorized access")
	}
	for _, limit := range []*wire.Limit{&a.requests, own} {
		if limit == nil {
			continue
		}
		left, reset, ok := limit.Take(now)
		w.Header().Set("x-ratelimit-limit", strconv.Itoa(limit.Requests))
		w.Header().Set("x-ratelimit-remaining", strconv.Itoa(left))
		w.Header().Set("x-ratelimit-reset", strconv.Itoa(int(math.Ceil(reset.Seconds()))))
		if !ok {
			return refuse(http.StatusTooManyRequests, "", "request over limit")
		}
	}
	return nil
}
