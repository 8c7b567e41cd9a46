package admin

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/cdrelay/cdrelay/internal/problem"
)

const (
	// readPlaces is how many answers that read the store are made at a time: each
	// may take some megabytes.
	readPlaces = 4
	// placePatience is how long a request waits for a place.
	placePatience = 10 * time.Second
)

// bounded bounds the memory of answers. Reading takes one place; an explanation,
// which renders the requests of all sinks, takes all of them. Changes take none:
// they hold little, and a replay at a rate may take hours.
func bounded(next http.Handler) http.Handler {
	places := semaphore.NewWeighted(readPlaces)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := placesOf(r)
		ctx, cancel := context.WithTimeout(r.Context(), placePatience)
		defer cancel()
		if n > 0 && places.Acquire(ctx, n) != nil {
			w.Header().Set("Retry-After", "5")
			problem.Write(w, http.StatusServiceUnavailable, "many other requests are being answered; try again")
			return
		}
		defer places.Release(n)
		next.ServeHTTP(w, r)
	})
}

func placesOf(r *http.Request) int64 {
	switch {
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		return 1
	case r.URL.Path == "/api/v1/explain" || r.URL.Path == "/playground":
		return readPlaces
	default:
		return 0
	}
}
