package intake

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"
)

// TLSFiles names a PEM certificate chain and its key.
type TLSFiles struct {
	Cert string `yaml:"cert" jsonschema:"required" restart:"true" example:"server.crt" doc:"File of the certificate chain (PEM)."`
	Key  string `yaml:"key" jsonschema:"required" restart:"true" example:"server.key" doc:"File of its key (PEM)."`
}

func (f TLSFiles) validate(report func(path, problem string)) {
	if f.Cert == "" {
		report("tls.cert", "is missing: write the path of the certificate chain (PEM)")
	}
	if f.Key == "" {
		report("tls.key", "is missing: write the path of the certificate's key (PEM)")
	}
	if f.Cert == "" || f.Key == "" {
		return
	}
	if _, err := f.load(); err != nil {
		report("tls.cert", err.Error())
	}
}

func (f TLSFiles) load() (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
	if err != nil {
		return nil, fmt.Errorf("tls certificate: %w", err)
	}
	return &pair, nil
}

// keyPair is a certificate that can be swapped while connections come in.
type keyPair struct {
	files   TLSFiles
	current atomic.Pointer[tls.Certificate]
}

func newKeyPair(f TLSFiles) (*keyPair, error) {
	pair, err := f.load()
	if err != nil {
		return nil, err
	}
	k := &keyPair{files: f}
	k.current.Store(pair)
	return k, nil
}

// config offers TLS 1.2 and later.
func (k *keyPair) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return k.current.Load(), nil
		},
	}
}
