package outbound

import (
	"bufio"
	"crypto/tls"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// connections serves the connections of a listener until the test ends.
func connections(t *testing.T, l net.Listener, serve func(net.Conn)) {
	t.Helper()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer func() { _ = conn.Close() }()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		all.Wait()
	})
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// A sink that stores a request and breaks the connection before it answers has it
// once for each try that is seen.
func TestNothingIsSentAgainUnseen(t *testing.T) {
	for name, request := range map[string]*Request{
		"POST":          {Method: http.MethodPost, Body: []byte(`{"id":"1"}`)},
		"POST, no body": {Method: http.MethodPost},
		"GET":           {Method: http.MethodGet},
		"DELETE":        {Method: http.MethodDelete},
	} {
		t.Run(name, func(t *testing.T) {
			var stored, keys atomic.Int64
			l := listen(t)
			connections(t, l, func(conn net.Conn) {
				in := bufio.NewReader(conn)
				for kept := 0; ; kept++ {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					if len(r.TransferEncoding) > 0 {
						t.Errorf("sent in chunks")
					}
					if r.Header.Get("Idempotency-Key") == "msg_1" {
						keys.Add(1)
					}
					_, _ = io.Copy(io.Discard, r.Body)
					stored.Add(1)
					if kept > 0 {
						return // stored, and not answered
					}
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				}
			})
			request.URL = "http://" + l.Addr().String() + "/"
			request.Header = http.Header{"Idempotency-Key": {"msg_1"}}
			c := newClient(t, Transport{}, quick(0))
			isMeaning(t, c.Do(t.Context(), request), Delivered, "delivered")
			isMeaning(t, c.Do(t.Context(), request), Connect, "connect")
			if n := stored.Load(); n != 2 || keys.Load() != n {
				t.Errorf("%d requests arrived, %d with their key, want 2", n, keys.Load())
			}
		})
	}
}

// http2Server is a listener for HTTP/2 over TLS and a transport that trusts it.
func http2Server(t *testing.T) (net.Listener, Transport) {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	ca := filepath.Join(t.TempDir(), "ca.crt")
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(ca, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: server.TLS.Certificates, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}
	return tls.NewListener(listen(t), config), Transport{TLS: TLSFiles{CA: ca}}
}

// A server that says GOAWAY, before the request or after it, gets no flood.
func TestGoAwayIsNoLoop(t *testing.T) {
	for name, afterRequest := range map[string]bool{"at once": false, "after the request": true} {
		for _, method := range []string{http.MethodPost, http.MethodGet} {
			t.Run(name+" "+method, func(t *testing.T) {
				var dialled, requests atomic.Int64
				l, transport := http2Server(t)
				connections(t, l, func(conn net.Conn) {
					dialled.Add(1)
					goAway(conn, afterRequest, &requests)
				})
				r := post("https://" + l.Addr().String() + "/")
				if r.Method = method; method == http.MethodGet {
					r.Body = nil
				}
				o := newClient(t, transport, quick(0)).Do(t.Context(), r)
				isMeaning(t, o, Connect, "connect")
				if dialled.Load() > maxConnections+1 || requests.Load() > 1 {
					t.Errorf("%d connections, %d requests (%s)", dialled.Load(), requests.Load(), o.Detail)
				}
			})
		}
	}
}

// goAway speaks enough HTTP/2 to refuse a connection.
func goAway(conn net.Conn, afterRequest bool, requests *atomic.Int64) {
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(conn, preface); err != nil {
		return
	}
	framer := http2.NewFramer(conn, conn)
	if framer.WriteSettings() != nil {
		return
	}
	if !afterRequest && framer.WriteGoAway(0, http2.ErrCodeNo, nil) != nil {
		return
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		if _, is := frame.(*http2.HeadersFrame); is {
			requests.Add(1)
			_ = framer.WriteGoAway(0, http2.ErrCodeNo, nil)
		}
	}
}

// A busy sink's connections are renewed too, and what is under way is not cut.
func TestConnectionsAreRenewed(t *testing.T) {
	release, arrived := make(chan struct{}), make(chan struct{}, 1)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			arrived <- struct{}{}
			<-release
		}
	}))
	var opened atomic.Int64
	closed := make(chan struct{}, 8)
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		switch s {
		case http.StateNew:
			opened.Add(1)
		case http.StateClosed:
			closed <- struct{}{}
		default:
		}
	}
	server.Start()
	defer server.Close()
	c := newClient(t, Transport{}, quick(0))
	n, ok := c.wire.(*network)
	if !ok {
		t.Fatalf("wire is %T", c.wire)
	}
	do := func(path string) { isMeaning(t, c.Do(t.Context(), post(server.URL+path)), Delivered, "delivered") }
	do("/")
	do("/")
	if opened.Load() != 1 {
		t.Fatalf("%d connections, want one that is kept", opened.Load())
	}
	var slow sync.WaitGroup
	slow.Go(func() { do("/slow") })
	<-arrived
	n.mu.Lock()
	n.opened = n.opened.Add(-maxAge)
	n.mu.Unlock()
	do("/")
	do("/")
	if opened.Load() != 2 || len(closed) != 0 {
		t.Errorf("%d connections, %d closed, want one more", opened.Load(), len(closed))
	}
	close(release)
	slow.Wait()
	<-closed // the old one, when its request has ended
}

// Tokens go the same way.
func TestHTTPClientSendsOnce(t *testing.T) {
	client, err := Transport{}.HTTPClient(time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer client.CloseIdleConnections()
	var stored atomic.Int64
	l := listen(t)
	connections(t, l, func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for kept := range 2 {
			r, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			if stored.Add(1); kept == 0 {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			}
		}
	})
	for range 2 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+l.Addr().String(), strings.NewReader("a=b"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Idempotency-Key", "1")
		if resp, err := client.Do(r); err == nil {
			_ = resp.Body.Close()
		}
	}
	if stored.Load() != 2 {
		t.Errorf("%d requests arrived, want 2", stored.Load())
	}
}
