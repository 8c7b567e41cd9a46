package admin

import (
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/problem"
)

// doors lets a request through to the API, or says why not.
type doors struct {
	config   func() Config
	suspects *suspects
}

// hosted lets only requests through that name a loopback host, where the listener
// has no token and is on loopback: a page that has its own name resolve to this
// machine (DNS rebinding) is stopped there.
func hosted(config func() Config, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c := config(); !c.guarded() && !c.Exposed() && !loopback(r.Host) {
			problem.Write(w, http.StatusForbidden, "the Host of the request is not a loopback address: use http://127.0.0.1, or set admin.token")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (d doors) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch c := d.config(); {
		case c.Exposed():
			problem.Write(w, http.StatusForbidden, "the private API is closed: set admin.token in the configuration, or let admin.listen be a loopback address")
		case c.guarded() && !c.Token.Equal(presented(r)):
			if presented(r) != "" {
				d.suspects.slow(r)
			}
			w.Header().Set("WWW-Authenticate", `Basic realm="cdrelay", charset="UTF-8"`)
			problem.Write(w, http.StatusUnauthorized, "send admin.token as a bearer token, or as the password of HTTP Basic")
		case foreign(r):
			problem.Write(w, http.StatusForbidden, "changes are taken from the same origin only")
		default:
			next.ServeHTTP(w, r.WithContext(operate.WithActor(r.Context(), c.actor(r))))
		}
	})
}

// actor is who makes a request that was let in.
func (c Config) actor(r *http.Request) operate.Actor {
	a := operate.Actor{Token: operate.TokenNone, Address: r.RemoteAddr}
	if c.guarded() {
		a.Token = tokenName
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		a.Address = host
	}
	return a
}

// tokenName is that of admin.token in events.
const tokenName = "admin"

// presented is the token that a request carries, in either form.
func presented(r *http.Request) string {
	if _, password, ok := r.BasicAuth(); ok {
		return password
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return ""
}

// foreign reports whether a page of another origin asks for a change. Programs send
// neither header; browsers send at least one with every change.
func foreign(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return false
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site != "same-origin" && site != "none"
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || !strings.EqualFold(u.Host, r.Host)
}
