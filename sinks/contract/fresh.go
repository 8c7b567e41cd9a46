package contract

import (
	"context"
	"maps"
	"net/http"
	"time"

	"github.com/cdrelay/cdrelay/internal/outbound"
)

// Fresh has a request rendered again at each wire try, for templates of `now`. A
// template that fails then, and not before, refuses the request.
func Fresh(request *outbound.Request, render func(at time.Time) (*outbound.Request, error)) {
	request.Prepare = func(_ context.Context, wire *http.Request) error {
		fresh, err := render(time.Now())
		if err != nil {
			return &outbound.Failure{Meaning: outbound.Rejected, Err: err}
		}
		request.Hidden = fresh.Hidden
		return outbound.Rewrite(wire, fresh)
	}
	request.Preview = func(w *outbound.Wire) {
		fresh, err := render(time.Now())
		if err != nil {
			return // as it was rendered at first
		}
		w.URL, w.Body, w.Hidden = fresh.URL, fresh.Body, fresh.Hidden
		maps.Copy(w.Header, fresh.Header)
	}
}
