package intake

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// quick are timeouts that a test can wait for.
func quick() timeouts {
	return timeouts{header: 200 * time.Millisecond, read: 400 * time.Millisecond, write: 5 * time.Second, idle: 300 * time.Millisecond}
}

func serve(t *testing.T, c ServerConfig, h http.Handler) *Server {
	t.Helper()
	c.Listen = "127.0.0.1:0"
	s, err := newServer(c, h, slog.New(slog.DiscardHandler), quick())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	t.Cleanup(func() {
		// The test's own context is over here.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Second)
		defer cancel()
		if err := errors.Join(s.Shutdown(ctx), <-ended); err != nil {
			t.Error(err)
		}
	})
	return s
}

func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// status reads one answer.
func status(t *testing.T, from *bufio.Reader) int {
	t.Helper()
	res, err := http.ReadResponse(from, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, res.Body); err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode
}

func TestServerAnswersOnOneConnection(t *testing.T) {
	f := newFixture(t, open("a"))
	c := dial(t, serve(t, ServerConfig{}, f))
	in := bufio.NewReader(c)
	for i := range 3 {
		body := callJSON(fmt.Sprint(i))
		send(t, c, fmt.Sprintf("POST /callbacks/a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		if got := status(t, in); got != 200 {
			t.Errorf("answer %d", got)
		}
	}
	if f.store.stored() != 3 {
		t.Errorf("%d stored", f.store.stored())
	}
}

// TestSlowSenders leaves connections open in each phase: the server ends them.
func TestSlowSenders(t *testing.T) {
	f := newFixture(t, open("a"))
	s := serve(t, ServerConfig{}, f)
	for name, sent := range map[string]string{
		"nothing":     "",
		"half a head": "POST /callbacks/a HTTP/1.1\r\nHost: x\r\n",
		"half a body": "POST /callbacks/a HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
		"idle":        "POST /callbacks/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s)
			send(t, c, sent)
			answer, err := io.ReadAll(c) // ends only when the server closes
			if err != nil {
				t.Errorf("the server did not close in time: %v", err)
			}
			if name == "half a body" && !strings.HasPrefix(string(answer), "HTTP/1.1 400") {
				t.Errorf("answer %.60q", answer)
			}
		})
	}
	if !f.budget.isFree() {
		t.Error("slow senders still hold some of the budget")
	}
}

func TestHeadersAreBounded(t *testing.T) {
	s := serve(t, ServerConfig{}, newFixture(t, open("a")))
	for name, tc := range map[string]struct {
		headers string
		want    int
	}{
		"7 KiB in one line":  {"X-Long: " + strings.Repeat("x", 7<<10) + "\r\n", 200},
		"8 KiB in one line":  {"X-Long: " + strings.Repeat("x", 8<<10) + "\r\n", 431},
		"64 KiB in one line": {"X-Long: " + strings.Repeat("x", 64<<10) + "\r\n", 431},
		"64 lines":           {strings.Repeat("a:\r\n", 62), 200}, // and two more below
		"65 lines":           {strings.Repeat("a:\r\n", 63), 431},
		"65 lines, LF alone": {strings.Repeat("a:\n", 63), 431},
	} {
		t.Run(name, func(t *testing.T) {
			c := dial(t, s)
			body := strings.Repeat("\n", 100) + callJSON("1") // the lines of a body are no header lines
			// The server may hang up before all is written.
			_, _ = fmt.Fprintf(c, "POST /callbacks/a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n%s\r\n%s", len(body), tc.headers, body)
			if got := status(t, bufio.NewReader(c)); got != tc.want {
				t.Errorf("answer %d, want %d", got, tc.want)
			}
		})
	}
}

func TestShutdownLetsRequestsFinish(t *testing.T) {
	f := newFixture(t, open("a"))
	inStore, goOn := make(chan struct{}), make(chan struct{})
	f.store.wait = func(context.Context) { close(inStore); <-goOn }
	s := serve(t, ServerConfig{}, f)
	c := dial(t, s)
	body := callJSON("1")
	send(t, c, fmt.Sprintf("POST /callbacks/a HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	<-inStore
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(t.Context()) }()
	for refused := false; !refused; {
		conn, err := net.Dial("tcp", s.Addr().String())
		if refused = err != nil; !refused {
			_ = conn.Close()
		}
	}
	select {
	case err := <-stopped:
		t.Fatalf("shutdown did not wait: %v", err)
	default:
	}
	close(goOn)
	if got := status(t, bufio.NewReader(c)); got != 200 {
		t.Errorf("answer %d", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestShutdownEndsWithItsContext(t *testing.T) {
	f := newFixture(t, open("a"))
	inStore, goOn := make(chan struct{}), make(chan struct{})
	f.store.wait = func(context.Context) { close(inStore); <-goOn }
	s := serve(t, ServerConfig{}, f)
	c := dial(t, s)
	send(t, c, "POST /callbacks/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"+`{"id":"1"}`)
	<-inStore
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("shutdown: %v", err)
	}
	close(goOn)
}

func TestShutdownBeforeServe(t *testing.T) {
	s, err := NewServer(ServerConfig{Listen: "127.0.0.1:0"}, http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Serve(); err == nil {
		t.Error("served without listening")
	}
	if s.Addr() != nil {
		t.Error("an address before Listen")
	}
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := net.Dial("tcp", s.Addr().String()); err == nil {
		t.Error("the port is still open")
	}
	if err := s.Serve(); err != nil {
		t.Errorf("serve after shutdown: %v", err)
	}
}

func TestListenOnTakenPort(t *testing.T) {
	first := serve(t, ServerConfig{}, http.NotFoundHandler())
	s, err := NewServer(ServerConfig{Listen: first.Addr().String()}, http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(t.Context()); err == nil {
		t.Error("listens on a taken port")
	}
}

func TestTLSReload(t *testing.T) {
	dir := t.TempDir()
	cert, key := writePair(t, dir, "one")
	s := serve(t, ServerConfig{TLS: &TLSFiles{Cert: cert, Key: key}}, newFixture(t, open("a")))
	if got := servedName(t, s, 0); got != "one" {
		t.Errorf("certificate %s", got)
	}
	writePair(t, dir, "two")
	if got := servedName(t, s, 0); got != "one" {
		t.Errorf("certificate %s before it was read", got)
	}
	next, err := s.ReadCertificate()
	if err != nil {
		t.Fatal(err)
	}
	if got := servedName(t, s, 0); got != "one" {
		t.Errorf("certificate %s before Use", got)
	}
	s.Use(next)
	if got := servedName(t, s, 0); got != "two" {
		t.Errorf("certificate %s after Use", got)
	}
	if err := os.WriteFile(key, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ReadCertificate(); err == nil {
		t.Error("rubbish was read")
	}
	if got := servedName(t, s, 0); got != "two" {
		t.Errorf("certificate %s after bad files", got)
	}
	if got := servedName(t, s, tls.VersionTLS11); got != "" {
		t.Error("TLS 1.1 is spoken")
	}
}

func TestTLSFilesMissing(t *testing.T) {
	_, err := NewServer(ServerConfig{TLS: &TLSFiles{Cert: "/nowhere", Key: "/nowhere"}}, http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if err == nil {
		t.Error("no error")
	}
	plain, err := NewServer(ServerConfig{}, http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	none, err := plain.ReadCertificate()
	if err != nil {
		t.Errorf("a server without TLS has nothing to read: %v", err)
	}
	plain.Use(none)
}

// servedName posts over a new connection and gives the certificate's name; ""
// when there is no handshake.
func servedName(t *testing.T, s *Server, version uint16) string {
	t.Helper()
	d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: version, NextProtos: []string{"h2", "http/1.1"}}}
	raw, err := d.DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		return ""
	}
	defer func() { _ = raw.Close() }()
	c, ok := raw.(*tls.Conn)
	if !ok {
		t.Fatalf("%T", raw)
	}
	send(t, c, "POST /callbacks/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"+`{"id":"1"}`)
	if got := status(t, bufio.NewReader(c)); got != 200 {
		t.Errorf("answer %d", got)
	}
	if got := c.ConnectionState().NegotiatedProtocol; got != "http/1.1" {
		t.Errorf("protocol %s", got)
	}
	return c.ConnectionState().PeerCertificates[0].Subject.CommonName
}

// writePair writes a fresh self-signed certificate over cert.pem and key.pem.
func writePair(t *testing.T, dir, name string) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestServerLogLevels(t *testing.T) {
	var out strings.Builder
	h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("a bug") })
	s, err := newServer(ServerConfig{}, h, slog.New(slog.NewTextHandler(&out, nil)), quick())
	if err != nil {
		t.Fatal(err)
	}
	s.http.ErrorLog.Print("http: TLS handshake error from a stranger")
	if out.Len() > 0 {
		t.Errorf("strangers are logged: %s", &out)
	}
	s.http.ErrorLog.Print("http: panic serving 127.0.0.1:1: a bug\ngoroutine 1")
	if got := out.String(); !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "a bug") || strings.Count(got, "\n") != 1 {
		t.Errorf("panic logged as %q", got)
	}
}
