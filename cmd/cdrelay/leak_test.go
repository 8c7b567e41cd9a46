package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// planted are the secrets of the test below; each would be found in a text as it
// is, escaped for a URL, or in base64.
var planted = map[string]string{
	"door":     "door+plant/1a7f==",
	"key":      "query&plant=2b6e",
	"access":   "access-plant-3c5d",
	"admin":    "admin/plant+4d4c",
	"url":      "url-plant-5e3b",
	"bearer":   "bearer/plant+6f2a==",
	"password": "basic:plant 7a19",
	"client":   "client%plant8b08",
	"header":   "header-plant\"9c97",
	"slack":    "T0/B0/slackplant0d86",
	"sign":     "whsec_" + base64.StdEncoding.EncodeToString([]byte("signing-plant-of-32-bytes-1e75!!")),
}

// leaks gives the planted secrets that stand in a text in any spelling.
func leaks(text string) []string {
	var out []string
	for name, s := range planted {
		escaped, err := json.Marshal(s)
		if err != nil {
			panic(err) // a text always marshals
		}
		for _, form := range []string{
			s, url.QueryEscape(s), url.PathEscape(s), strings.Trim(string(escaped), `"`),
			base64.StdEncoding.EncodeToString([]byte(s)), base64.StdEncoding.EncodeToString([]byte("ops:" + s)),
		} {
			if strings.Contains(text, form) {
				out = append(out, name+" as "+form)
			}
		}
	}
	return out
}

func TestLeaksAreFound(t *testing.T) {
	for _, text := range []string{"x" + planted["door"], url.QueryEscape(planted["bearer"]), "Basic " + base64.StdEncoding.EncodeToString([]byte("ops:"+planted["password"]))} {
		if len(leaks(text)) == 0 {
			t.Errorf("not found in %q", text)
		}
	}
}

// TestNoSecretComesOut serves with a secret in every place that takes one, lets
// sinks echo all that they get, and looks into everything that comes out: log,
// API, metrics, answers, the messages of check, and the dump of a crash.
func TestNoSecretComesOut(t *testing.T) {
	echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		dump, _ := httputil.DumpRequest(r, true)
		status := http.StatusUnprocessableEntity
		if strings.Contains(r.URL.Path, "unwell") {
			status = http.StatusBadGateway
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "%s\n%s", r.URL, dump)
	}))
	t.Cleanup(echo.Close)
	dir := t.TempDir()
	for name, s := range planted {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(s), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name, text string) string {
		path := filepath.Join(dir, name+"-url")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return "{file: " + path + "}"
	}
	file := func(name string) string { return "{file: " + filepath.Join(dir, name) + "}" }
	config := filepath.Join(dir, "config.yaml")
	text := `listen: "127.0.0.1:0"
admin: {listen: "127.0.0.1:0", token: ` + file("admin") + `}
spool: {path: ` + dir + `/s.db}
log: {level: debug}
sources:
  - {name: dialer, format: infin8linx, region: ID, auth: {query: {name: key, value: ` + file("key") + `}}}
  - {name: nxlink, format: nxcc, auth: {header: {name: token, value: ` + file("door") + `}}}
  - {name: signed, format: nxcc, auth: {digest: {access_key: x, access_secret: ` + file("access") + `}}}
sinks:
  - name: rejects
    webhook:
      url: ` + at("a", echo.URL+"/hook/"+planted["url"]+"?t="+planted["url"]) + `
      headers: {X-Api-Key: ` + file("header") + `}
      auth: {bearer: ` + file("bearer") + `}
      sign: {standard_webhooks: ` + file("sign") + `}
  - name: unwell
    webhook:
      url: ` + at("b", echo.URL+"/unwell/"+planted["url"]) + `
      auth: {basic: {username: ops, password: ` + file("password") + `}}
  - name: away
    webhook: {url: ` + at("c", "http://"+freePort(t)+"/"+planted["url"]) + `}
  - name: oauth
    webhook:
      url: ` + at("d", echo.URL+"/hook") + `
      auth: {oauth2: {token_url: ` + at("e", echo.URL+"/"+planted["url"]) + `, client_id: x, client_secret: ` + file("client") + `}}
  - name: chat
    slack: {webhook_url: ` + at("f", echo.URL+"/services/"+planted["slack"]) + `}
rules: [{name: all, to: [rejects, unwell, away, oauth, chat]}]
`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, config)
	var out strings.Builder
	note := func(_ int, body string) { out.WriteString(body) }
	note(s.post("/callbacks/dialer?key="+url.QueryEscape(planted["key"]), callback(t, "infin8linx-call.json")))
	note(s.post("/callbacks/dialer?key=wrong", callback(t, "infin8linx-call.json")))
	note(s.post("/callbacks/nxlink", "garbage", "token", planted["door"]))
	note(s.post("/callbacks/signed", callback(t, "nxcc-call.json"), "accessKey", "x", "sign", "wrong"))
	eventually(t, "each sink has failed", func() bool {
		body := s.ask(t, "/metrics")
		for _, sink := range []string{"unwell", "away", "oauth"} {
			failed := false
			for _, result := range []string{"unwell", "connect", "credentials"} {
				failed = failed || strings.Contains(body, fmt.Sprintf("cdrelay_attempts_total{result=%q,sink=%q} ", result, sink)) &&
					!strings.Contains(body, fmt.Sprintf("cdrelay_attempts_total{result=%q,sink=%q} 0\n", result, sink))
			}
			if !failed {
				return false
			}
		}
		return strings.Count(s.ask(t, "/api/v1/dead-letters"), `"reason":"rejected"`) == 2
	})
	letters := s.ask(t, "/api/v1/dead-letters")
	var list struct{ Items []struct{ ID string } }
	if err := json.Unmarshal([]byte(letters), &list); err != nil {
		t.Fatal(err)
	}
	for _, l := range list.Items {
		out.WriteString(s.ask(t, "/api/v1/dead-letters/"+l.ID))
	}
	out.WriteString(letters + s.ask(t, "/api/v1/status") + s.ask(t, "/metrics") + s.ask(t, "/"))
	_, refused := s.get("/api/v1/status")
	out.WriteString(refused)
	if err := s.cmd.Process.Signal(syscall.SIGQUIT); err != nil { // the dump of all goroutines
		t.Fatal(err)
	}
	<-s.ended
	out.WriteString(s.log.String())
	if !strings.Contains(s.log.String(), "goroutine ") {
		t.Error("no dump in the log")
	}
	out.WriteString(checkMessages(t, config, text))
	out.WriteString(spoolText(t, dir))
	if !strings.Contains(letters, "********") {
		t.Error("what the sinks echoed is not among what is looked into")
	}
	for _, leak := range leaks(out.String()) {
		t.Errorf("came out: %s", leak)
	}
}

// ask gets a page of the private listener with the token.
func (s *server) ask(t *testing.T, path string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.admin+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+planted["admin"])
	status, body := do(t, req)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %s", path, status, body)
	}
	return body
}

// checkMessages gives what check says of the configuration, as it is and with
// each line spoilt.
func checkMessages(t *testing.T, path, text string) string {
	t.Helper()
	var out strings.Builder
	lines := strings.Split(text, "\n")
	for i := range lines {
		spoilt := append([]string{}, lines...)
		spoilt[i] = strings.NewReplacer("file:", "flie:", "name:", "eman:", "url:", "ulr:").Replace(spoilt[i])
		if err := os.WriteFile(path, []byte(strings.Join(spoilt, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		said, _ := exec.CommandContext(t.Context(), "cdrelay", "check", "-c", path).CombinedOutput() // fails on most
		out.Write(said)
	}
	return out.String()
}

// spoolText is all that the spool's files hold.
func spoolText(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	for _, name := range []string{"s.db", "s.db-wal"} {
		f, err := os.Open(filepath.Join(dir, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(&out, f); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v (%v), want 0600", name, st.Mode().Perm(), err)
		}
	}
	return out.String()
}
