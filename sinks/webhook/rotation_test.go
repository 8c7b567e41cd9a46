package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
)

// rotating is a token endpoint that hands out a new refresh token each time and
// takes no older one.
type rotating struct {
	issued int
	asked  []string
}

func (e *rotating) newest() string { return fmt.Sprintf("refresh-%d", e.issued) }

func (e *rotating) RoundTrip(r *http.Request) (*http.Response, error) {
	header := http.Header{"Content-Type": {"application/json"}}
	token := r.FormValue("refresh_token")
	e.asked = append(e.asked, token)
	if token != e.newest() {
		return reply(400, header, `{"error":"invalid_grant"}`), nil
	}
	e.issued++
	return reply(200, header, fmt.Sprintf(`{"access_token":"a%d","expires_in":1,"refresh_token":%q}`, e.issued, e.newest())), nil
}

// shelf keeps values as a spool does; it fails where it is told to.
type shelf struct {
	values   map[string][]byte
	get, put error
}

func (s *shelf) Get(context.Context, string) ([]byte, error) {
	return s.values[keptName], s.get
}

func (s *shelf) Put(_ context.Context, name string, value []byte) error {
	if s.put == nil {
		s.values = map[string][]byte{name: value}
	}
	return s.put
}

// refreshing is the configuration of a sink that got its refresh token by hand.
func refreshing() OAuth2 {
	c := clientConfig()
	c.RefreshToken = secret.New("refresh-0")
	return c
}

func fetches(t *testing.T, o *oauth) {
	t.Helper()
	if _, err := o.tokens.fetch(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestTheNewestRefreshTokenOutlivesTheProcess, encrypted.
func TestTheNewestRefreshTokenOutlivesTheProcess(t *testing.T) {
	endpoint, kept := &rotating{}, &shelf{}
	client := &http.Client{Transport: endpoint}
	for range 3 { // each a start
		o := newOAuth(refreshing(), client, kept)
		fetches(t, o)
		fetches(t, o)
	}
	if want := []string{"refresh-0", "refresh-1", "refresh-2", "refresh-3", "refresh-4", "refresh-5"}; !slices.Equal(endpoint.asked, want) {
		t.Errorf("asked with %v, want %v", endpoint.asked, want)
	}
	sealed := slices.Collect(maps.Values(kept.values))[0]
	if bytes.Contains(sealed, []byte("refresh")) {
		t.Errorf("it is kept as it is: %q", sealed)
	}
}

// TestAKeptTokenYieldsToAnotherConfiguration: to another refresh token, client or
// endpoint, and to bytes that are none of ours.
func TestAKeptTokenYieldsToAnotherConfiguration(t *testing.T) {
	for name, change := range map[string]func(*OAuth2, *shelf){
		"refresh token": func(c *OAuth2, _ *shelf) { c.RefreshToken = secret.New("refresh-9") },
		"client id":     func(c *OAuth2, _ *shelf) { c.ClientID = secret.New("other") },
		"client secret": func(c *OAuth2, _ *shelf) { c.ClientSecret = secret.New("other") },
		"no secret":     func(c *OAuth2, _ *shelf) { c.ClientSecret = secret.Value{} },
		"endpoint":      func(c *OAuth2, _ *shelf) { c.TokenURL = secret.New("https://other.example/token") },
		"empty":         func(_ *OAuth2, s *shelf) { s.values[keptName] = []byte{} },
		"cut":           func(_ *OAuth2, s *shelf) { s.values[keptName] = s.values[keptName][:30] },
		"flipped":       func(_ *OAuth2, s *shelf) { s.values[keptName][40] ^= 1 },
		"version":       func(_ *OAuth2, s *shelf) { s.values[keptName][0]++ },
	} {
		t.Run(name, func(t *testing.T) {
			endpoint, kept := &rotating{}, &shelf{}
			client := &http.Client{Transport: endpoint}
			fetches(t, newOAuth(refreshing(), client, kept))
			c := refreshing()
			change(&c, kept)
			_, _ = newOAuth(c, client, kept).tokens.fetch(t.Context())
			if got := endpoint.asked[1]; got != c.RefreshToken.Reveal() {
				t.Errorf("asked with %s, want the configured %s", got, c.RefreshToken.Reveal())
			}
		})
	}
}

// TestAClientWithoutASecretKeepsItsToken, under its configured refresh token.
func TestAClientWithoutASecretKeepsItsToken(t *testing.T) {
	endpoint, kept := &rotating{}, &shelf{}
	c := refreshing()
	c.ClientSecret = secret.Value{}
	fetches(t, newOAuth(c, &http.Client{Transport: endpoint}, kept))
	fetches(t, newOAuth(c, &http.Client{Transport: endpoint}, kept))
}

// TestTheNewestRefreshTokenOutlivesAReload, also with another client secret, under
// which it is kept from then on.
func TestTheNewestRefreshTokenOutlivesAReload(t *testing.T) {
	endpoint, kept := &rotating{}, &shelf{}
	client := &http.Client{Transport: endpoint}
	first := newOAuth(refreshing(), client, kept)
	fetches(t, first)
	c := refreshing()
	c.ClientSecret = secret.New("client-secret-2")
	second := newOAuth(c, client, kept)
	second.inherit(first)
	fetches(t, second)
	fetches(t, newOAuth(c, client, kept))

	other := refreshing()
	other.RefreshToken = secret.New(endpoint.newest())
	third := newOAuth(other, client, kept)
	third.inherit(second)
	fetches(t, third)
}

// TestATokenThatWasNotKeptIsKeptLater: the exchange succeeds all the same.
func TestATokenThatWasNotKeptIsKeptLater(t *testing.T) {
	endpoint, kept := &rotating{}, &shelf{put: errors.New("full")}
	client := &http.Client{Transport: endpoint}
	o := newOAuth(refreshing(), client, kept)
	fetches(t, o)
	kept.put = nil
	fetches(t, o)
	fetches(t, newOAuth(refreshing(), client, kept))
}

// TestAKeptTokenThatCannotBeReadIsNotReplaced: an older one could make the endpoint
// revoke the newest.
func TestAKeptTokenThatCannotBeReadIsNotReplaced(t *testing.T) {
	endpoint, kept := &rotating{}, &shelf{}
	client := &http.Client{Transport: endpoint}
	fetches(t, newOAuth(refreshing(), client, kept))
	kept.get = errors.New("no disk")
	o := newOAuth(refreshing(), client, kept)
	_, err := o.tokens.fetch(t.Context())
	failure, ok := errors.AsType[*outbound.Failure](err)
	if !ok || failure.Meaning != outbound.Unwell || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("%v", err)
	}
	kept.get = nil
	fetches(t, o)
}
