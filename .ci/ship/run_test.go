package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// wellKnownRoot is a root that every list of roots has, until 2035.
var wellKnownRoot = pkix.Name{Country: []string{"US"}, Organization: []string{"Internet Security Research Group"}, CommonName: "ISRG Root X1"}

func TestVersionInContainer(t *testing.T) {
	c := newContainer(t)
	out, err := c.run("version")
	if want := "cdrelay " + theProduct(t).source.version + " ("; err != nil || !strings.HasPrefix(out, want) {
		t.Errorf("%v, %q, want %q", err, out, want)
	}
}

func TestDemoInContainer(t *testing.T) {
	c := newContainer(t)
	if out, err := c.run("demo", "--once"); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if left, err := os.ReadDir(c.data); err != nil || len(left) > 0 {
		t.Errorf("the demo left %v on the volume, %v", left, err)
	}
}

// TestReadOnlyRoot makes sure that the other tests here show what they should.
func TestReadOnlyRoot(t *testing.T) {
	c := newContainer(t)
	c.config.Env = []string{"TMPDIR=/"}
	if out, err := c.run("demo", "--once"); err == nil || !strings.Contains(out, "read-only file system") {
		t.Errorf("the root can be written to: %v\n%s", err, out)
	}
}

// TestServeInContainer posts a call that goes to a sink on plain HTTP and to one
// whose certificate nobody vouches for.
func TestServeInContainer(t *testing.T) {
	c := newContainer(t)
	bodies := make(chan []byte, 1)
	crm := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		bodies <- body
	}))
	t.Cleanup(crm.Close)
	config := fmt.Sprintf(`
listen: "127.0.0.1:0"
admin: {listen: "127.0.0.1:0"}
spool: {path: /data/cdrelay.db}
sources: [{name: dialer, format: infin8linx, region: ID, auth: {open: true}}]
sinks:
  - name: crm
    webhook:
      url: %s
      body:
        jakarta: "${formatTime(call.started_at, '2006-01-02 15:04:05', 'Asia/Jakarta')}"
        utc: "${formatTime(call.started_at, '2006-01-02 15:04:05', 'UTC')}"
  - name: impostor
    webhook: {url: "%s"}
rules: [{name: all, to: [crm, impostor]}]
`, crm.URL, impostor(t))
	c.place(filepath.Join(c.data, "config.yaml"), entry{mode: 0o644, text: []byte(config)})
	if out, err := c.run("check", "-c", "/data/config.yaml"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := c.serve("/data/config.yaml")
	if status, body := exchange(t, http.MethodGet, s.admin+"/healthz", nil); status != http.StatusOK {
		t.Errorf("/healthz: %d %s", status, body)
	}
	callback := read(t, filepath.Join(theProduct(t).root, "docs", "examples", "callbacks", "infin8linx-call.json"))
	if status, body := exchange(t, http.MethodPost, s.public+"/callbacks/dialer", callback); status != http.StatusOK {
		t.Fatalf("the callback: %d %s", status, body)
	}
	select {
	case body := <-bodies:
		checkTimes(t, body)
	case <-time.After(patience):
		t.Fatal("nothing was delivered")
	}
	checkRefused(t, s)
}

// checkTimes: Jakarta is 7 hours ahead, all the year.
func checkTimes(t *testing.T, body []byte) {
	t.Helper()
	var times struct{ Jakarta, UTC string }
	if err := json.Unmarshal(body, &times); err != nil {
		t.Fatal(err)
	}
	here, err := time.Parse(time.DateTime, times.Jakarta)
	if err != nil {
		t.Fatal(err)
	}
	utc, err := time.Parse(time.DateTime, times.UTC)
	if err != nil || here.Sub(utc) != 7*time.Hour {
		t.Errorf("%s in Jakarta is %s UTC (%v)", times.Jakarta, times.UTC, err)
	}
}

// checkRefused waits for the attempt at the impostor. Without any roots the error
// would be "unknown authority", too; only who has the real root can say that this
// very one did not sign.
func checkRefused(t *testing.T, s *served) {
	t.Helper()
	var detail string
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); !strings.Contains(detail, "unknown authority"); {
		select {
		case <-tick.C:
			detail = theCall(t, s)
		case <-end:
			t.Fatalf("no attempt was refused for its certificate: %s", detail)
		}
	}
	if !strings.Contains(detail, wellKnownRoot.CommonName) {
		t.Errorf("the binary does not know %s: %s", wellKnownRoot.CommonName, detail)
	}
}

// theCall gives the only call with its attempts.
func theCall(t *testing.T, s *served) string {
	t.Helper()
	_, body := exchange(t, http.MethodGet, s.admin+"/api/v1/calls", nil)
	var calls struct{ Items []struct{ ID string } }
	if err := json.Unmarshal([]byte(body), &calls); err != nil || len(calls.Items) != 1 {
		t.Fatalf("the calls are %s, %v", body, err)
	}
	_, body = exchange(t, http.MethodGet, s.admin+"/api/v1/calls/"+calls.Items[0].ID, nil)
	return body
}

// exchange makes one request.
func exchange(t *testing.T, method, url string, body []byte) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := (&http.Client{Timeout: patience}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// impostor is a server whose certificate claims to be signed by a well-known root,
// and is signed with a key of our own. It gives the server's URL.
func impostor(t *testing.T) string {
	t.Helper()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: wellKnownRoot, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "impostor"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a request came through in spite of the certificate")
	}))
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{signed}, PrivateKey: key}}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}
