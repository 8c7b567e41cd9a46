package contracttest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
)

// Plants hands out secrets and knows them again wherever they turn up.
type Plants struct {
	mu     sync.Mutex // guards plants
	plants map[string]string
}

// Text is a secret; the same name gives the same one.
func (p *Plants) Text(name string) string {
	text := "planted-" + name + "-" + hex.EncodeToString([]byte(name+"~0123456789"))
	p.add(name, text)
	return text
}

// Secret is Text as a configuration holds it.
func (p *Plants) Secret(name string) secret.Value { return secret.New(p.Text(name)) }

// Key is a secret in the form of Standard Webhooks: whsec_ and base64.
func (p *Plants) Key(name string) secret.Value {
	text := base64.StdEncoding.EncodeToString([]byte("planted-" + name + "-0123456789abcdefghijkl"))
	p.add(name, text)
	return secret.New("whsec_" + text)
}

func (p *Plants) add(name, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.plants == nil {
		p.plants = map[string]string{}
	}
	p.plants[name] = text
}

// find names the planted secrets in a text, in the spellings that they take on
// the way: as they are, escaped for a URL, hex, and base64 at any offset.
func (p *Plants) find(text string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var found []string
	for name, plant := range p.plants {
		for _, spelling := range spellings(plant) {
			if strings.Contains(text, spelling) {
				found = append(found, name)
				break
			}
		}
	}
	return found
}

func spellings(plant string) []string {
	list := []string{plant, url.QueryEscape(plant), hex.EncodeToString([]byte(plant))}
	for offset := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", offset) + plant))
		list = append(list, encoded[4:len(encoded)-4])
	}
	return list
}

// check fails for each secret in a text.
func (p *Plants) check(tb testing.TB, where, text string) {
	tb.Helper()
	for _, name := range p.find(text) {
		tb.Errorf("%s shows the secret %q: %.500s", where, name, text)
	}
}

// Secrets plants a secret in every field and lets the destination repeat all
// that it was told, under every kind of answer.
func (k Kind) Secrets(t *testing.T) {
	for _, code := range []int{200, 202, 302, 400, 401, 403, 404, 410, 422, 429, 500, 503} {
		b := k.set(t, 0, parrot(code))
		outcome := b.deliver(t, Records()[0])
		for _, try := range outcome.Tries {
			b.plants.check(t, fmt.Sprintf("a try answered %d", code), fmt.Sprint(try.Detail, try.Warning, try.Headers))
			if sent := try.Sent; sent != nil {
				b.plants.check(t, "what was sent", sent.Method+" "+sent.URL+"\n"+sent.Body)
			} else if try.Meaning != outbound.Delivered {
				t.Errorf("a try answered %d does not keep what was sent", code)
			}
		}
		b.plants.check(t, "the outcome", fmt.Sprintf("%+v %#v %s", outcome, outcome, logged(t, outcome)))
		b.plants.check(t, "the client", fmt.Sprintf("%+v", b.client))
	}
	b := k.set(t, 0, hangUp)
	outcome := b.deliver(t, Records()[0])
	b.plants.check(t, "a broken connection", fmt.Sprintf("%+v %s", outcome, logged(t, outcome)))
	if len(b.plants.plants) == 0 {
		t.Error("Build planted no secret")
	}
	for name, v := range map[string]any{"config": b.config, "sink": b.sink, "transport": b.sink.Transport()} {
		b.plants.check(t, name, printed(t, v))
	}
}

// parrot repeats the request, its line, its headers and what it understood of
// the credentials, as careless servers do.
func parrot(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		name, password, _ := r.BasicAuth()
		_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		encoded := base64.StdEncoding.EncodeToString([]byte("token:" + token))
		fmt.Fprintf(&b, "%s\n%s\n%s\n%s\n", r.RequestURI, name, password, encoded)
		for name, values := range r.Header {
			fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(values, ", "))
			w.Header().Set("X-Request-Id", strings.Join(values, ", ")+" "+r.RequestURI)
		}
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(code)
		_, _ = w.Write(b.Bytes()) // the client may have gone
	}
}

func hangUp(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// printed is a value in every form in which it could be printed by accident.
func printed(t *testing.T, v any) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%v\n%+v\n%#v\n%s\n", v, v, v, logged(t, v))
	if text, err := json.Marshal(v); err == nil {
		b.Write(text)
	}
	if text, err := marshalYAML(v); err == nil {
		b.Write(text)
	}
	return b.String()
}

// marshalYAML turns yaml.v3's panic over a func into an error.
func marshalYAML(v any) (text []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("yaml: %v", p)
		}
	}()
	return yaml.Marshal(v)
}

func logged(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	slog.New(slog.NewTextHandler(&b, nil)).Info("text", "value", v)
	slog.New(slog.NewJSONHandler(&b, nil)).Info("json", "value", v)
	return b.String()
}
