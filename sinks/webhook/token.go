package webhook

import (
	"context"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

const (
	// tokenTimeout bounds one exchange with the token endpoint.
	tokenTimeout = 10 * time.Second
	// minTokenAge is how old a token must be before a 401 renews it: a sink that
	// answers 401 to everything must not hammer the token endpoint.
	minTokenAge = 10 * time.Second
	// failurePause is how long a failure of the token endpoint stands for all
	// workers before the next one asks again.
	failurePause = 500 * time.Millisecond
	// maxEarly is how long before its end a token is no longer used, at most.
	maxEarly = time.Minute
	// maxTokenAge is the longest time that a token is believed to be good for.
	maxTokenAge = 24 * time.Hour
)

// tokens keeps one access token for all workers of a sink.
type tokens struct {
	fetch  func(context.Context) (*oauth2.Token, error)
	flight singleflight.Group

	mu       sync.Mutex // guards everything below
	access   string
	fetched  time.Time
	until    time.Time // zero: until a 401
	failure  error
	failedAt time.Time
}

// get returns a token that is good now, fetching one if need be. However many
// workers ask, one exchange is made; a caller that gives up does not end it.
func (t *tokens) get(ctx context.Context) (string, error) {
	if token, err, known := t.cached(); known {
		return token, err
	}
	result := t.flight.DoChan("", func() (any, error) {
		if token, err, known := t.cached(); known {
			return token, err // fetched while we came here
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tokenTimeout)
		defer cancel()
		return t.keep(t.fetch(ctx))
	})
	select {
	case <-ctx.Done():
		return "", context.Cause(ctx)
	case r := <-result:
		token, _ := r.Val.(string)
		return token, r.Err
	}
}

// cached returns the token, or the failure of a moment ago.
func (t *tokens) cached() (token string, err error, known bool) { //nolint:revive // the error is what is known, not this function's own
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	switch {
	case t.access != "" && (t.until.IsZero() || now.Before(t.until)):
		return t.access, nil, true
	case t.failure != nil && now.Sub(t.failedAt) < failurePause:
		return "", t.failure, true
	default:
		return "", nil, false
	}
}

func (t *tokens) keep(token *oauth2.Token, err error) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if err != nil {
		t.access, t.failure, t.failedAt = "", err, now
		return "", err
	}
	t.access, t.fetched, t.failure, t.until = token.AccessToken, now, nil, time.Time{}
	if life := min(token.Expiry.Sub(now), maxTokenAge); life > 0 { // one that has ended, or none, says nothing
		t.until = now.Add(life - min(maxEarly, life/10))
	}
	return t.access, nil
}

// renew is told that the sink refused a token, and says whether another one can
// be had: yes when somebody has renewed it meanwhile, no when it is new itself.
func (t *tokens) renew(refused string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if refused == "" {
		return false
	}
	if refused != t.access {
		return true
	}
	if time.Since(t.fetched) < minTokenAge {
		return false
	}
	t.access = ""
	return true
}
