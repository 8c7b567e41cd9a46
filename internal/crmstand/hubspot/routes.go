package hubspot

import (
	"fmt"
	"net/http"
	"time"

	"github.com/cdrelay/cdrelay/internal/crmstand/wire"
)

// failure is an answer that refuses a request.
type failure struct {
	status int
	body   any
}

// refusal is the body of most of them.
type refusal struct {
	Status      string `json:"status"`
	Message     string `json:"message"`
	Correlation string `json:"correlationId"`
	Category    string `json:"category,omitempty"`
	ErrorType   string `json:"errorType,omitempty"`
	Policy      string `json:"policyName,omitempty"`
}

const correlation = "6fd1a1b1-0000-4000-8000-000000000000"

func refuse(status int, category, format string, args ...any) *failure {
	return &failure{status, refusal{Status: "error", Message: fmt.Sprintf(format, args...), Correlation: correlation, Category: category}}
}

func invalid(format string, args ...any) *failure {
	return refuse(http.StatusBadRequest, "VALIDATION_ERROR", format, args...)
}

func tooFast(policy, which string) *failure {
	return &failure{http.StatusTooManyRequests, refusal{
		Status: "error", Message: "You have reached your " + which + " limit.", ErrorType: "RATE_LIMIT", Correlation: correlation, Policy: policy,
	}}
}

// endpoint answers a request while the account is locked.
type endpoint func(r *http.Request, now time.Time) (status int, body any, refused *failure)

func (a *Account) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for _, base := range []string{"/crm/objects/2026-03", "/crm/v3/objects"} {
		for _, kind := range []string{contacts, companies} {
			a.route(mux, "POST "+base+"/"+kind+"/search", func(r *http.Request, now time.Time) (int, any, *failure) {
				return a.search(kind, r, now)
			})
		}
		a.route(mux, "POST "+base+"/contacts", a.createContact)
		a.route(mux, "POST "+base+"/calls/batch/upsert", a.upsert)
		a.route(mux, "GET "+base+"/{kind}/{id}", a.read)
	}
	for _, base := range []string{"/crm/objects/2026-03", "/crm/v4/objects"} {
		a.route(mux, "PUT "+base+"/calls/{id}/associations/default/{kind}/{to}", a.link)
		a.route(mux, "GET "+base+"/calls/{id}/associations/{kind}", a.readLinks)
	}
	a.route(mux, "GET /crm/v3/owners/", a.findOwners)
	return mux
}

// route adds an endpoint behind the token and the limit of all requests.
func (a *Account) route(mux *http.ServeMux, pattern string, answer endpoint) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		now := a.config.Now()
		if refused := a.admit(r, now); refused != nil {
			wire.Write(w, refused.status, refused.body)
			return
		}
		status, body, refused := answer(r, now)
		if refused != nil {
			status, body = refused.status, refused.body
		}
		wire.Write(w, status, body)
	})
}

func (a *Account) admit(r *http.Request, now time.Time) *failure {
	if r.Header.Get("Authorization") != "Bearer "+a.config.Token {
		return refuse(http.StatusUnauthorized, "INVALID_AUTHENTICATION", "Authentication credentials not found. This API supports OAuth 2.0 authentication.")
	}
	if _, _, ok := a.requests.Take(now); !ok {
		return tooFast("TEN_SECONDLY_ROLLING", "ten_secondly_rolling")
	}
	return nil
}

// ServeHTTP answers a request as HubSpot would.
func (a *Account) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// shown is an object as answers show it.
type shown struct {
	ID         string            `json:"id"`
	Properties map[string]string `json:"properties"`
	Created    string            `json:"createdAt"`
	Updated    string            `json:"updatedAt"`
	Archived   bool              `json:"archived"`
	New        *bool             `json:"new,omitempty"`
}

func show(o *object, properties map[string]string) shown {
	return shown{ID: o.id, Properties: properties, Created: stamp(o.states[0].at), Updated: stamp(o.states[len(o.states)-1].at)}
}

// read answers with an object.
func (a *Account) read(r *http.Request, _ time.Time) (int, any, *failure) {
	o := a.find(r.PathValue("kind"), r.PathValue("id"))
	if o == nil {
		return 0, nil, refuse(http.StatusNotFound, "OBJECT_NOT_FOUND", "resource not found")
	}
	return http.StatusOK, show(o, o.now()), nil
}
