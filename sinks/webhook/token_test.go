package webhook

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/oauth2"
)

// issuer is a token endpoint that takes a second and counts.
type issuer struct {
	mu       sync.Mutex // guards everything below
	issued   int
	lifetime time.Duration
	err      error
}

func (i *issuer) fetch(ctx context.Context) (*oauth2.Token, error) {
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.issued++
	if i.err != nil {
		return nil, i.err
	}
	t := &oauth2.Token{AccessToken: "token-" + strconv.Itoa(i.issued)}
	if i.lifetime > 0 {
		t.Expiry = time.Now().Add(i.lifetime)
	}
	return t, nil
}

func (i *issuer) count() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.issued
}

func TestTokenSingleFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{lifetime: time.Hour}
		tokens := &tokens{fetch: i.fetch}
		var workers sync.WaitGroup
		for range 8 {
			workers.Go(func() {
				if got, err := tokens.get(t.Context()); got != "token-1" || err != nil {
					t.Errorf("get = %q, %v, want token-1", got, err)
				}
			})
		}
		workers.Wait()
		if n := i.count(); n != 1 {
			t.Errorf("%d tokens were fetched, want 1", n)
		}
	})
}

func TestTokenLifetime(t *testing.T) {
	for _, test := range []struct {
		name          string
		lifetime      time.Duration
		fresh, renews time.Duration // after which it is kept, and fetched anew
	}{
		{"an hour, less a minute", time.Hour, 58 * time.Minute, 59*time.Minute + time.Second},
		{"a short one, less a tenth", 20 * time.Second, 17 * time.Second, 19 * time.Second},
		{"none, until a 401", 0, 1000 * time.Hour, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := &issuer{lifetime: test.lifetime}
				tokens := &tokens{fetch: i.fetch}
				begun := time.Now()
				expectToken(t, tokens, "token-1")
				time.Sleep(test.fresh - time.Since(begun) + time.Second)
				expectToken(t, tokens, "token-1")
				if test.renews > 0 {
					time.Sleep(test.renews - time.Since(begun) + time.Second)
					expectToken(t, tokens, "token-2")
				}
			})
		})
	}
}

func expectToken(t *testing.T, tokens *tokens, want string) {
	t.Helper()
	if got, err := tokens.get(t.Context()); got != want || err != nil {
		t.Errorf("get = %q, %v, want %q", got, err, want)
	}
}

func TestTokenFailureIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		i := &issuer{err: down}
		tokens := &tokens{fetch: i.fetch}
		for range 5 {
			if _, err := tokens.get(t.Context()); !errors.Is(err, down) {
				t.Errorf("get: %v, want %v", err, down)
			}
		}
		if n := i.count(); n != 1 {
			t.Errorf("the endpoint was asked %d times within the pause, want 1", n)
		}
		i.mu.Lock()
		i.err = nil
		i.mu.Unlock()
		time.Sleep(failurePause)
		expectToken(t, tokens, "token-2")
	})
}

func TestTokenRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{}
		tokens := &tokens{fetch: i.fetch}
		if tokens.renew("") {
			t.Error("renewed although no token was used")
		}
		expectToken(t, tokens, "token-1")
		if tokens.renew("token-1") {
			t.Error("a token that is new was renewed: a sink that always says 401 hammers the endpoint")
		}
		time.Sleep(minTokenAge)
		for worker := range 2 {
			if !tokens.renew("token-1") {
				t.Errorf("worker %d: an old token was not renewed", worker)
			}
		}
		expectToken(t, tokens, "token-2")
		if !tokens.renew("token-1") {
			t.Error("a worker with the token before was not told that there is another")
		}
		expectToken(t, tokens, "token-2")
	})
}

// A worker that gives up leaves the exchange to the others.
func TestTokenCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{}
		tokens := &tokens{fetch: i.fetch}
		reason := errors.New("timeout")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, reason)
		defer cancel()
		if _, err := tokens.get(ctx); !errors.Is(err, reason) {
			t.Errorf("get: %v, want %v", err, reason)
		}
		expectToken(t, tokens, "token-1")
		if n := i.count(); n != 1 {
			t.Errorf("%d tokens were fetched, want 1", n)
		}
	})
}
