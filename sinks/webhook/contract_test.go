package webhook_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/contracttest"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

// kind is a webhook with a configuration and the rest of the contract's usual
// answers.
func kind(yaml string, complete func(c *webhook.Config, base string, p *contracttest.Plants)) contracttest.Kind {
	return contracttest.Kind{
		Build: func(tb testing.TB, base string, p *contracttest.Plants) (any, contract.Sink) {
			tb.Helper()
			c, err := load([]byte("method: POST\n" + yaml))
			if err != nil {
				tb.Fatal(err)
			}
			c.URL = fromFile(tb, base+"/hook/"+p.Text("path")+"?key="+p.Text("query"))
			complete(&c, base, p)
			sink, err := webhook.New(c, contract.Deps{})
			if err != nil {
				tb.Fatal(err)
			}
			return c, sink
		},
		Deliver: says(http.StatusNoContent, ""),
		Refuse:  says(http.StatusBadRequest, "no"),
	}
}

// fromFile is a secret that does not stand in the configuration.
func fromFile(tb testing.TB, text string) secret.Value {
	tb.Helper()
	place := filepath.Join(tb.TempDir(), "url")
	if err := os.WriteFile(place, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	var v secret.Value
	if err := yaml.Unmarshal([]byte("{file: "+place+"}"), &v); err != nil {
		tb.Fatal(err)
	}
	return v
}

func says(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client reads it or fails the test
	}
}

func TestContractSigned(t *testing.T) {
	t.Parallel()
	k := kind(``, func(c *webhook.Config, _ string, p *contracttest.Plants) {
		c.Auth = &webhook.Auth{Bearer: p.Secret("bearer")}
		c.Sign = &webhook.Sign{StandardWebhooks: secret.List{p.Key("new"), p.Key("old")}}
	})
	k.Check = func(tb testing.TB, a contracttest.Arrived, p *contracttest.Plants) {
		tb.Helper()
		for _, name := range []string{"new", "old"} {
			verify(tb, p.Key(name).Reveal(), a)
		}
		if got, want := a.Header.Get("Authorization"), "Bearer "+p.Text("bearer"); got != want {
			tb.Errorf("Authorization = %q, want %q", got, want)
		}
	}
	contracttest.Run(t, k)
}

// verify is what a receiver does, with the reference library.
func verify(tb testing.TB, key string, a contracttest.Arrived) {
	tb.Helper()
	receiver, err := standardwebhooks.NewWebhook(key)
	if err != nil {
		tb.Fatal(err)
	}
	if err := receiver.Verify(a.Body, a.Header); err != nil {
		tb.Errorf("signature: %v", err)
	}
}

func TestContractFormBasicTemplates(t *testing.T) {
	t.Parallel()
	contracttest.Run(t, kind(`
encoding: form
body: {id: "${call.id}", who: "${call.agent.name}", note: "a ${call.references.custom} b", talk: "${call.talk_seconds}"}
headers: {X-Note: "note ${call.references.custom}", X-Plain: plain}
`, func(c *webhook.Config, base string, p *contracttest.Plants) {
		c.URL = fromFile(t, base+"/"+p.Text("path")+"/${call.id}?q=${call.agent.name}")
		c.Auth = &webhook.Auth{Basic: &webhook.Basic{Username: p.Secret("name"), Password: p.Secret("password")}}
	}))
}

func TestContractSecretHeaders(t *testing.T) {
	t.Parallel()
	contracttest.Run(t, kind(`
body:
  id: "${call.id}"
  list: ["${call.agent.name}", "x ${call.task.intent}", {deep: "${call.customer.number}"}]
`, func(c *webhook.Config, _ string, p *contracttest.Plants) {
		text := "headers: {X-Api-Key: '" + p.Text("header") + "', Authorization: 'Token token=" + p.Text("authorization") + "'}\n"
		c.Headers = mustHeaders(text)
	}))
}

func mustHeaders(text string) webhook.Headers {
	c, err := load([]byte(text))
	if err != nil {
		panic(err) // a text of this file
	}
	return c.Headers
}

func TestContractCloudEvents(t *testing.T) {
	t.Parallel()
	k := kind(`envelope: cloudevents`, func(*webhook.Config, string, *contracttest.Plants) {})
	k.Check = func(tb testing.TB, a contracttest.Arrived, _ *contracttest.Plants) {
		tb.Helper()
		var event map[string]any
		if err := json.Unmarshal(a.Body, &event); err != nil {
			tb.Fatal(err)
		}
		for _, name := range []string{"id", "source", "specversion", "type"} {
			if text, _ := event[name].(string); text == "" {
				tb.Errorf("%s is missing", name)
			}
		}
	}
	contracttest.Run(t, k)
}

func TestContractGet(t *testing.T) {
	t.Parallel()
	contracttest.Run(t, kind(``, func(c *webhook.Config, _ string, _ *contracttest.Plants) {
		c.Method, _ = expr.ParseText(http.MethodGet)
	}))
}

func TestContractClientCredentials(t *testing.T) {
	t.Parallel()
	k := kind(``, func(c *webhook.Config, base string, p *contracttest.Plants) {
		c.Auth = &webhook.Auth{OAuth2: &webhook.OAuth2{
			TokenURL: secret.New(base + "/token"), ClientID: secret.New("client"), ClientSecret: p.Secret("client_secret"),
			Scopes: []string{"calls.write"},
		}}
	})
	k.Aside = tokenEndpoint
	k.Check = checkToken("Bearer")
	contracttest.Run(t, k)
}

func TestContractRefreshToken(t *testing.T) {
	t.Parallel()
	k := kind(``, func(c *webhook.Config, base string, p *contracttest.Plants) {
		c.Auth = &webhook.Auth{OAuth2: &webhook.OAuth2{
			TokenURL: secret.New(base + "/token"), ClientID: secret.New("client"), ClientSecret: p.Secret("client_secret"),
			RefreshToken: p.Secret("refresh_token"), Scheme: "Zoho-oauthtoken",
		}}
	})
	k.Aside = tokenEndpoint
	k.Check = checkToken("Zoho-oauthtoken")
	contracttest.Run(t, k)
}

// A token endpoint that refuses and repeats all it was told.
func TestContractTokenRefused(t *testing.T) {
	t.Parallel()
	k := kind(``, func(c *webhook.Config, base string, p *contracttest.Plants) {
		c.Auth = &webhook.Auth{OAuth2: &webhook.OAuth2{
			TokenURL: secret.New(base + "/token?key=" + p.Text("token_url")), ClientID: secret.New("client"),
			ClientSecret: p.Secret("client_secret"), RefreshToken: p.Secret("refresh_token"),
		}}
	})
	k.Aside = func(w http.ResponseWriter, r *http.Request, p *contracttest.Plants) bool {
		if r.URL.Path != "/token" {
			return false
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		name, password, _ := r.BasicAuth()
		echo := strings.Join([]string{r.RequestURI, name, password, r.FormValue("refresh_token"), p.Text("client_secret")}, " ")
		_ = json.NewEncoder(w).Encode(map[string]string{"error": echo, "error_description": echo, "error_uri": echo})
		return true
	}
	t.Run("keeps no secret", k.Secrets)
}

func tokenEndpoint(w http.ResponseWriter, r *http.Request, p *contracttest.Plants) bool {
	if r.URL.Path != "/token" {
		return false
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"access_token": p.Text("access_token"), "token_type": "bearer", "expires_in": 3600, "refresh_token": p.Text("next_refresh_token"),
	})
	return true
}

func checkToken(scheme string) func(testing.TB, contracttest.Arrived, *contracttest.Plants) {
	return func(tb testing.TB, a contracttest.Arrived, p *contracttest.Plants) {
		tb.Helper()
		if got, want := a.Header.Get("Authorization"), scheme+" "+p.Text("access_token"); got != want {
			tb.Errorf("Authorization = %q, want %q", got, want)
		}
	}
}
