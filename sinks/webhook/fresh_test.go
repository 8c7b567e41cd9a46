package webhook_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/contracttest"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

const signingKey = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// TestNowIsTheTimeOfTheTry renders anew what depends on now at each try, and signs
// the body that is sent.
func TestNowIsTheTimeOfTheTry(t *testing.T) {
	c, err := load([]byte(`
url: "https://robot.example.com/send?timestamp=${epochMillis(now)}"
headers: {X-Sign: "${base64(hmacSha256('secret', string(epochSeconds(now))))}", X-Same: "${call.id}"}
body: {timestamp: "${string(epochSeconds(now))}", id: "${call.id}"}
sign: {standard_webhooks: "` + signingKey + `"}
`))
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := standardwebhooks.NewWebhook(signingKey)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		sink, err := webhook.New(c, contract.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		request, err := contracttest.Request(sink, "msg_1", contracttest.Records()[0])
		if err != nil {
			t.Fatal(err)
		}
		if !request.FixedURL {
			t.Error("a URL that depends on now alone counts as one of the call")
		}
		seen := map[string]bool{}
		for range 3 {
			time.Sleep(10 * time.Second)
			wire, err := http.NewRequestWithContext(t.Context(), http.MethodPost, request.URL, strings.NewReader(string(request.Body)))
			if err != nil {
				t.Fatal(err)
			}
			wire.Header = request.Header.Clone()
			if err := request.Prepare(t.Context(), wire); err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(wire.Body)
			if err != nil || int64(len(body)) != wire.ContentLength {
				t.Fatalf("%d bytes of %d, %v", len(body), wire.ContentLength, err)
			}
			var sent struct{ Timestamp, ID string }
			if err := json.Unmarshal(body, &sent); err != nil {
				t.Fatal(err)
			}
			if sent.Timestamp+"000" != wire.URL.Query().Get("timestamp") || sent.ID == "" || wire.Header.Get("X-Same") == "" {
				t.Errorf("%s with %s", wire.URL, body)
			}
			if err := receiver.VerifyIgnoringTimestamp(body, wire.Header); err != nil {
				t.Errorf("signature: %v", err)
			}
			seen[sent.Timestamp], seen[wire.Header.Get("X-Sign")] = true, true
		}
		if len(seen) != 6 {
			t.Errorf("three tries have %d timestamps and signatures, want 6", len(seen))
		}
	})
}

func TestContractNow(t *testing.T) {
	t.Parallel()
	contracttest.Run(t, kind(`
query: {year: "${formatTime(now, '2006', 'UTC')}"}
headers: {X-Year: "${formatTime(now, '2006', 'UTC')}"}
body: {id: "${call.id}", year: "${formatTime(now, '2006', 'UTC')}", who: "${call.agent.name}"}
`, func(*webhook.Config, string, *contracttest.Plants) {}))
}

func TestContractSecretInABody(t *testing.T) {
	t.Parallel()
	for _, encoding := range []string{"json", "form"} {
		k := kind("", func(c *webhook.Config, _ string, p *contracttest.Plants) {
			file := filepath.Join(t.TempDir(), "key")
			if err := os.WriteFile(file, []byte(p.Text("body")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			with, err := load([]byte("encoding: " + encoding + "\nbody: {apikey: {file: '" + file + "'}, deep: {list: [{file: '" + file + "'}]}, id: '${call.id}', data: {env: \"${'production'}\"}, more: {env: a, file: b}}\n"))
			if err != nil {
				t.Fatal(err)
			}
			c.Encoding, c.Body = with.Encoding, with.Body
		})
		k.Check = func(tb testing.TB, a contracttest.Arrived, p *contracttest.Plants) {
			tb.Helper()
			if n := strings.Count(string(a.Body), p.Text("body")); n != 2 || !strings.Contains(string(a.Body), "production") {
				tb.Errorf("the secret arrived %d times in %s", n, a.Body)
			}
		}
		contracttest.Run(t, k)
	}
}

func TestSecretInABodyIsMaskedWhereItIsShown(t *testing.T) {
	t.Setenv("CRM_KEY", `s3cr"et/key&more`)
	c, err := load([]byte("url: https://crm.example.com/\nbody: {apikey: {env: CRM_KEY}, id: '${call.id}'}\n"))
	if err != nil {
		t.Fatal(err)
	}
	sink, err := webhook.New(c, contract.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	request, err := contracttest.Request(sink, "msg_1", contracttest.Records()[0])
	if err != nil {
		t.Fatal(err)
	}
	wire, err := sink.Transport().Preview(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"apikey":"s3cr\"et/key&more","id":"dialer:9513923-263056202"}`; string(wire.Body) != want {
		t.Errorf("body %s, want %s", wire.Body, want)
	}
	if want := `{"apikey":"` + outbound.Mask + `","id":"dialer:9513923-263056202"}`; string(sink.Transport().Shown(wire).Body) != want {
		t.Errorf("shown %s, want %s", sink.Transport().Shown(wire).Body, want)
	}
	if _, err := load([]byte("url: https://crm.example.com/\nbody:\n  a: 1\n  apikey: {env: NO_SUCH_KEY}\n")); err == nil || !strings.HasSuffix(err.Error(), "unmarshal errors:\n  line 4: environment variable NO_SUCH_KEY is not set: set it, or write {file: PATH}") {
		t.Errorf("a variable that is not set: %v", err)
	}
}

// A variable as a shell or a template engine spells it would reach the CRM as it is.
func TestBodyRefusesOtherVariables(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`$CRM_KEY`:            `line 2: no variable is filled in here: write {env: CRM_KEY} for a secret`,
		`$(CRM_KEY)`:          `{env: CRM_KEY}`,
		`"{{ .Values.key }}"`: `{env: key}`,
		`"Key {{crm_key}}"`:   `{env: crm_key}`,
		`"${CRM_KEY}"`:        `there is no CRM_KEY here`,
		`costs 5$`:            ``,
		`pa$$word`:            ``,
		`"${'{{1}}'}"`:        ``,
		`"$${CRM_KEY}"`:       ``,
	} {
		_, err := load([]byte("url: https://crm.example.com/\nbody: {list: [" + text + "]}\n"))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}
