package tests

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// What the image starts; TestImage holds it against the Dockerfile.
const imageEntrypoint = "/cdrelay"

var imageCommand = []string{"serve", "-c", "/etc/cdrelay/config.yaml"}

// scratch is the folder of what is built once for all tests.
var scratch string

func TestMain(m *testing.M) {
	flag.Parse()
	// Servers that stop spend their time waiting: more of them than processors.
	err := flag.Set("test.parallel", "16")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if scratch, err = os.MkdirTemp("", "charts"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(scratch)
	os.Exit(code)
}

// build returns the binary that CDRELAY_BINARY names, or builds one.
var build = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("CDRELAY_BINARY"); path != "" {
		return path, nil
	}
	path, err := filepath.Abs(filepath.Join(scratch, "cdrelay"))
	if err != nil {
		return "", err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", path, "./cmd/cdrelay")
	cmd.Dir = fromTop(".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

// binary returns the path of the server of this tree.
func binary(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestImage(t *testing.T) {
	text, err := os.ReadFile(fromTop("Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word == "ENTRYPOINT" || word == "CMD" {
			var list []string
			if err := json.Unmarshal([]byte(rest), &list); err != nil {
				t.Fatal(err)
			}
			found[word] = list
		}
	}
	want := map[string][]string{"ENTRYPOINT": {imageEntrypoint}, "CMD": imageCommand}
	if fmt.Sprint(found) != fmt.Sprint(want) {
		t.Errorf("the Dockerfile starts %q, and these tests start %q", found, want)
	}
}

var certificate = sync.OnceValues(func() (certAndKey [2]string, err error) {
	key, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err1 != nil {
		return certAndKey, err1
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "made up for tests"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	cert, err1 := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	bytes, err2 := x509.MarshalPKCS8PrivateKey(key)
	certAndKey[0] = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))
	certAndKey[1] = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bytes}))
	return certAndKey, errors.Join(err1, err2)
})

// madeUp makes up what a file of a Secret would hold.
func madeUp(t *testing.T, name string) string {
	t.Helper()
	pair, err := certificate()
	if err != nil {
		t.Fatal(err)
	}
	switch filepath.Ext(name) {
	case ".crt", ".pem":
		return pair[0]
	case ".key":
		return pair[1]
	}
	return secretFor(name)
}
