package outbound

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writePEM gives the path of a new file with the block.
func writePEM(t *testing.T, name, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// caOf gives a file with the certificate of the test server.
func caOf(t *testing.T, server *httptest.Server) string {
	t.Helper()
	return writePEM(t, "ca.pem", "CERTIFICATE", server.Certificate().Raw)
}

// clientPair makes a self-signed client certificate and its key.
func clientPair(t *testing.T) (cert *x509.Certificate, certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "cdrelay"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, writePEM(t, "cert.pem", "CERTIFICATE", der), writePEM(t, "key.pem", "PRIVATE KEY", keyDER)
}

// tlsServer is one that may ask for the client certificate, and says whose it
// got.
func tlsServer(t *testing.T, config *tls.Config) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TLS.PeerCertificates) > 0 {
			_, _ = io.WriteString(w, r.TLS.PeerCertificates[0].Subject.CommonName)
		}
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.TLS = config
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestCertificatesAreVerified(t *testing.T) {
	server := tlsServer(t, nil)
	o := newClient(t, Transport{}, quick(0)).Do(t.Context(), post(server.URL))
	isMeaning(t, o, Connect, "connect")
	if !strings.Contains(o.Detail, "certificate") {
		t.Error(o.Detail)
	}
	o = newClient(t, Transport{TLS: TLSFiles{CA: caOf(t, server)}}, quick(0)).Do(t.Context(), post(server.URL))
	isMeaning(t, o, Delivered, "delivered")
}

func TestOldTLSIsRefused(t *testing.T) {
	server := tlsServer(t, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	o := newClient(t, Transport{TLS: TLSFiles{CA: caOf(t, server)}}, quick(0)).Do(t.Context(), post(server.URL))
	isMeaning(t, o, Connect, "connect")
	if !strings.Contains(o.Detail, "protocol version") {
		t.Error(o.Detail)
	}
}

func TestClientCertificate(t *testing.T) {
	cert, certFile, keyFile := clientPair(t)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	server := tlsServer(t, &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
	files := TLSFiles{CA: caOf(t, server)}
	isMeaning(t, newClient(t, Transport{TLS: files}, quick(0)).Do(t.Context(), post(server.URL)), Connect, "connect")
	files.Cert, files.Key = certFile, keyFile
	o := newClient(t, Transport{TLS: files}, quick(0)).Do(t.Context(), post(server.URL))
	if o.Detail != "200 OK: cdrelay" {
		t.Error(o)
	}
}

func TestTheSystemsRootsStayTrustedBesideOurs(t *testing.T) {
	system, err := x509.SystemCertPool()
	if err != nil {
		t.Skip("DID NOT RUN: no system roots here")
	}
	cert, file, _ := clientPair(t)
	system.AddCert(cert)
	got, err := TLSFiles{CA: file}.roots()
	if err != nil || !got.Equal(system) {
		t.Errorf("%v: not the system's roots and ours", err)
	}
}

func TestTLSFilesValidate(t *testing.T) {
	_, cert, key := clientPair(t)
	_, _, otherKey := clientPair(t)
	for name, c := range map[string]struct {
		files TLSFiles
		want  string
	}{
		"none":         {TLSFiles{}, ""},
		"all":          {TLSFiles{cert, cert, key}, ""},
		"no ca":        {TLSFiles{CA: "/missing/ca.pem"}, "ca: open /missing/ca.pem: no such file"},
		"ca is a key":  {TLSFiles{CA: key}, "ca: " + key + " holds no PEM certificate"},
		"cert alone":   {TLSFiles{Cert: cert}, "cert: cert and key belong together: name both files, or neither"},
		"key alone":    {TLSFiles{Key: key}, "cert: cert and key belong together"},
		"not a pair":   {TLSFiles{Cert: cert, Key: otherKey}, "cert: client certificate " + cert},
		"missing cert": {TLSFiles{Cert: "/missing/c.pem", Key: key}, "cert: client certificate /missing/c.pem"},
	} {
		t.Run(name, func(t *testing.T) {
			var got string
			c.files.Validate(func(path, problem string) { got += path + ": " + problem })
			if !strings.HasPrefix(got, c.want) || (c.want == "") != (got == "") {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if _, err := New("crm", Transport{TLS: c.files}, Settings{}); (err != nil) != (c.want != "") {
				t.Errorf("New says %v", err)
			}
		})
	}
}
