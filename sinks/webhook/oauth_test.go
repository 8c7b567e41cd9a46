package webhook

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/contracttest"
)

// wire is a network of functions.
type wire func(*http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

func reply(status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body))}
}

func clientConfig() OAuth2 {
	return OAuth2{
		Scheme:   "Bearer",
		TokenURL: secret.New("https://login.example/token"),
		ClientID: secret.New("id"), ClientSecret: secret.New("client-secret-1"),
		Scopes: []string{"a", "b"},
	}
}

func TestTokenProblem(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		header http.Header
		body   string
		err    error
		want   outbound.Meaning
		wait   time.Duration
		text   string
	}{
		{name: "refused", status: 401, body: `{"error":"invalid_client"}`, want: outbound.Credentials, text: "token endpoint: status 401, invalid_client"},
		{name: "wrong grant", status: 400, body: `{"error":"invalid_grant"}`, want: outbound.Credentials, text: "token endpoint: status 400, invalid_grant"},
		{name: "wrong address", status: 404, body: `<html>`, want: outbound.Credentials, text: "token endpoint: status 404"},
		{name: "redirect", status: 302, want: outbound.Credentials, text: "token endpoint: status 302"},
		{name: "error in a 200", status: 200, body: `{"error":"invalid_code"}`, want: outbound.Credentials, text: "token endpoint: status 200, invalid_code"},
		{name: "a secret for a code", status: 400, body: `{"error":"client-secret-1"}`, want: outbound.Credentials, text: "token endpoint: status 400"},
		{name: "no token", status: 200, body: `{}`, want: outbound.Credentials, text: "token endpoint: the answer holds no access token"},
		{name: "no JSON", status: 200, body: `hello`, want: outbound.Credentials, text: "token endpoint: the answer holds no access token"},
		{name: "unwell", status: 502, want: outbound.Unwell, text: "token endpoint: status 502"},
		{name: "too fast", status: 429, want: outbound.Unwell, text: "token endpoint: status 429"},
		{
			name: "pause", status: 429, header: http.Header{"Retry-After": {"30"}},
			want: outbound.Paused, wait: 30 * time.Second, text: "token endpoint: status 429",
		},
		{name: "no connection", err: errors.New("refused client-secret-1"), want: outbound.Connect, text: "token endpoint: no connection"},
		{name: "too late", err: timeout{}, want: outbound.Timeout, text: "token endpoint: no answer in time"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOAuth(clientConfig(), &http.Client{Transport: wire(func(*http.Request) (*http.Response, error) {
				if test.err != nil {
					return nil, test.err
				}
				if test.header == nil {
					test.header = http.Header{"Content-Type": {"application/json"}}
				}
				return reply(test.status, test.header, test.body), nil
			}), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, nil)
			_, err := o.tokens.get(t.Context())
			f, ok := errors.AsType[*outbound.Failure](err)
			if !ok {
				t.Fatalf("%v is no Failure", err)
			}
			if f.Meaning != test.want || f.Wait != test.wait || f.Error() != test.text {
				t.Errorf("%v, wait %v, %q; want %v, wait %v, %q", f.Meaning, f.Wait, f, test.want, test.wait, test.text)
			}
		})
	}
}

// What an endpoint answers beside the letter of the RFC is read for what it means.
func TestTokenAnswers(t *testing.T) {
	const none = time.Duration(0)
	for name, test := range map[string]struct {
		body, mediaType string
		life            time.Duration // none: until a 401
		refused         bool
	}{
		"fraction":          {body: `{"access_token":"A1","token_type":"Bearer","expires_in":3600.0}`, life: time.Hour},
		"text":              {body: `{"access_token":"A1","expires_in":" 3600 "}`, life: time.Hour},
		"text and fraction": {body: `{"access_token":"A1","expires_in":"3600.9"}`, life: time.Hour},
		"exponent":          {body: `{"access_token":"A1","expires_in":3.6e3}`, life: time.Hour},
		"BOM":               {body: "\ufeff" + `{"access_token":"A1","expires_in":3600}`, life: time.Hour},
		"called a text":     {body: `{"access_token":"A1","expires_in":3600}`, mediaType: "text/plain", life: time.Hour},
		"form":              {body: `access_token=A1&expires_in=3600`, mediaType: "application/x-www-form-urlencoded", life: time.Hour},
		"absent":            {body: `{"access_token":"A1"}`, life: none},
		"null":              {body: `{"access_token":"A1","expires_in":null}`, life: none},
		"negative":          {body: `{"access_token":"A1","expires_in":-5}`, life: none},
		"negative in form":  {body: `access_token=A1&expires_in=-5`, mediaType: "application/x-www-form-urlencoded", life: none},
		"zero":              {body: `{"access_token":"A1","expires_in":0}`, life: none},
		"word":              {body: `{"access_token":"A1","expires_in":"soon"}`, life: none},
		"list":              {body: `{"access_token":"A1","expires_in":[1]}`, life: none},
		"absurd":            {body: `{"access_token":"A1","expires_in":1e18}`, life: maxTokenAge},
		"beyond numbers":    {body: `{"access_token":"A1","expires_in":1e999}`, life: maxTokenAge},
		"control character": {body: `{"access_token":"A1\n","expires_in":3600}`, refused: true},
		"control in a form": {body: `access_token=A1%00`, mediaType: "application/x-www-form-urlencoded", refused: true},
		"too long":          {body: `{"access_token":"A1","x":"` + strings.Repeat("x", maxTokenAnswer) + `"}`, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				transport := outbound.Transport{Wire: wire(func(*http.Request) (*http.Response, error) {
					return reply(200, http.Header{"Content-Type": {cmp.Or(test.mediaType, "application/json")}}, test.body), nil
				})}
				client, err := transport.HTTPClient(time.Second)
				if err != nil {
					t.Fatal(err)
				}
				o := newOAuth(clientConfig(), client, nil)
				token, err := o.tokens.get(t.Context())
				if test.refused {
					f, ok := errors.AsType[*outbound.Failure](err)
					if !ok || f.Meaning != outbound.Credentials || token != "" || o.tokens.access != "" {
						t.Errorf("%q, %v, want no token", token, err)
					}
					return
				}
				if err != nil || token != "A1" {
					t.Fatalf("%q, %v", token, err)
				}
				if test.life == none && !o.tokens.until.IsZero() || test.life != none && time.Until(o.tokens.until) != test.life-maxEarly {
					t.Errorf("good until %v, want %v", o.tokens.until, test.life)
				}
			})
		})
	}
}

// A fetch is one request, also where it is refused; the next one tries the other
// way to say who we are.
func TestARefusedFetchIsNotRepeatedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var inForm []bool
		takesForm := false
		o := newOAuth(clientConfig(), &http.Client{Transport: wire(func(r *http.Request) (*http.Response, error) {
			form := r.FormValue("client_secret") != ""
			inForm = append(inForm, form)
			if form && takesForm {
				return reply(200, nil, `{"access_token":"A1","expires_in":1}`), nil
			}
			return reply(401, nil, `{"error":"invalid_client"}`), nil
		})}, nil)
		fetch := func() {
			var workers sync.WaitGroup
			for range 8 {
				workers.Go(func() { _, _ = o.tokens.get(t.Context()) })
			}
			workers.Wait()
		}
		for range 3 {
			fetch()
			time.Sleep(failurePause)
		}
		takesForm = true
		for range 3 {
			fetch()
			time.Sleep(2 * time.Second)
		}
		if want := []bool{false, true, false, true, true, true}; !slices.Equal(inForm, want) {
			t.Errorf("credentials in the form: %v, want %v", inForm, want)
		}
	})
}

type timeout struct{}

func (timeout) Error() string   { return "late" }
func (timeout) Timeout() bool   { return true }
func (timeout) Temporary() bool { return true }

// A refresh token that the endpoint replaces is used from then on.
func TestRefreshTokenRotates(t *testing.T) {
	var forms []url.Values
	c := clientConfig()
	c.RefreshToken = secret.New("refresh-0")
	o := newOAuth(c, &http.Client{Transport: wire(func(r *http.Request) (*http.Response, error) {
		if err := r.ParseForm(); err != nil {
			return nil, err
		}
		forms = append(forms, r.PostForm)
		return reply(200, http.Header{"Content-Type": {"application/json"}},
			`{"access_token":"x","expires_in":1,"refresh_token":"refresh-`+string(rune('0'+len(forms)))+`"}`), nil
	})}, nil)
	for range 2 {
		if _, err := o.tokens.fetch(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []string{"refresh-0", "refresh-1"} {
		if got := forms[i].Get("refresh_token"); got != want || forms[i].Get("grant_type") != "refresh_token" {
			t.Errorf("exchange %d: %v, want refresh_token %s", i, forms[i], want)
		}
	}
}

// service is a sink with its token endpoint: it takes the newest token only.
type service struct {
	issued, posts int
	always401     bool
	expire        bool
	stamps        []string
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "login.example" {
		s.issued++
		body, err := json.Marshal(map[string]any{"access_token": s.token(), "token_type": "bearer"})
		return reply(200, http.Header{"Content-Type": {"application/json"}}, string(body)), err
	}
	s.posts++
	s.stamps = append(s.stamps, r.Header.Get("webhook-timestamp"))
	if s.always401 || s.expire || r.Header.Get("Authorization") != "Bearer "+s.token() {
		s.expire = false
		return reply(401, nil, ""), nil
	}
	return reply(200, nil, ""), nil
}

func (s *service) token() string { return "access-token-" + string(rune('0'+s.issued%10)) }

// rig is a sink with OAuth2 and a signature before a service, in fake time.
func rig(t *testing.T, s *service) (*Sink, *outbound.Client) {
	t.Helper()
	c := clientConfig()
	sink, err := New(Config{
		Request: Request{
			URL: secret.New("https://crm.example/hook"), Auth: &Auth{OAuth2: &c},
			Sign: &Sign{StandardWebhooks: secret.List{secret.New("whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3A=")}},
		},
	}, contract.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	sink.steps[0].oauth = newOAuth(c, &http.Client{Transport: s}, nil)
	transport := sink.Transport()
	transport.Wire = s
	client, err := outbound.New("crm", transport, outbound.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	return sink, client
}

func post(t *testing.T, sink *Sink, client *outbound.Client) outbound.Outcome {
	t.Helper()
	request, err := contracttest.Request(sink, "msg_1", record())
	if err != nil {
		t.Fatal(err)
	}
	return client.Do(t.Context(), request)
}

func TestRefreshOn401(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		sink, client := rig(t, s)
		if got := post(t, sink, client); got.Meaning != outbound.Delivered || s.issued != 1 {
			t.Fatalf("%v with %d tokens, want delivered with 1", got.Meaning, s.issued)
		}
		time.Sleep(time.Hour)
		s.expire = true
		if got := post(t, sink, client); got.Meaning != outbound.Delivered || s.issued != 2 || len(got.Tries) != 2 {
			t.Errorf("%v with %d tokens after %d tries, want delivered with 2 after 2", got.Meaning, s.issued, len(got.Tries))
		}
	})
}

// A sink that answers 401 to everything costs at most one token in minTokenAge.
func TestAlways401(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{always401: true}
		sink, client := rig(t, s)
		begun := time.Now()
		for range 50 {
			if got := post(t, sink, client); got.Meaning == outbound.Delivered || got.Meaning == outbound.Rejected {
				t.Fatalf("%v, want credentials", got.Meaning)
			}
			time.Sleep(time.Second)
		}
		if most := int(time.Since(begun)/minTokenAge) + 1; s.issued > most {
			t.Errorf("%d tokens in %v, want at most %d", s.issued, time.Since(begun), most)
		}
	})
}

// The signature's time is that of the try.
func TestTimestampOfTheTry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &service{}
		sink, client := rig(t, s)
		request, err := contracttest.Request(sink, "msg_1", record())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := client.Do(t.Context(), request); got.Meaning != outbound.Delivered {
				t.Fatal(got.Meaning)
			}
			time.Sleep(time.Hour)
		}
		if s.stamps[0] == "" || s.stamps[0] == s.stamps[1] {
			t.Errorf("timestamps %q, want two different ones", s.stamps)
		}
	})
}
