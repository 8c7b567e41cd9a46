package outbound

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// TLSFiles are the files of a sink with a private authority or with client
// certificates. All are PEM; all may be absent.
type TLSFiles struct {
	CA string `yaml:"ca" example:"private-ca.crt" doc:"File of authorities that are trusted besides the system's own (PEM). Read again when it changes."`
	// Cert and Key are the client's certificate and its key.
	Cert string `yaml:"cert" example:"client.crt" doc:"File of the client certificate (PEM); key belongs beside it."`
	Key  string `yaml:"key" example:"client.key" doc:"File of the client certificate's key (PEM)."`
}

// Validate reports files that are missing or cannot be used, so that a mistake
// is found by `check` and not by the first delivery.
func (f TLSFiles) Validate(report func(path, problem string)) {
	if _, err := f.roots(); err != nil {
		report("ca", err.Error())
	}
	if _, err := f.certificates(); err != nil {
		report("cert", err.Error())
	}
}

func (f TLSFiles) config() (*tls.Config, error) {
	roots, errRoots := f.roots()
	certificates, errCertificates := f.certificates()
	if err := errors.Join(errRoots, errCertificates); err != nil {
		return nil, fmt.Errorf("tls: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Certificates: certificates}, nil
}

// roots is nil, the system's own, when no authority is named.
func (f TLSFiles) roots() (*x509.CertPool, error) {
	if f.CA == "" {
		return nil, nil //nolint:nilnil // crypto/tls reads a nil pool as the system's roots
	}
	pem, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a scratch image has no roots, and needs none but this
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no PEM certificate", f.CA)
	}
	return pool, nil
}

func (f TLSFiles) certificates() ([]tls.Certificate, error) {
	switch {
	case f.Cert == "" && f.Key == "":
		return nil, nil
	case f.Cert == "" || f.Key == "":
		return nil, errors.New("cert and key belong together: name both files, or neither")
	}
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("client certificate %s with key %s: %w", f.Cert, f.Key, err)
	}
	return []tls.Certificate{pair}, nil
}
