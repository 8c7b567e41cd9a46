package intake

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cdrelay/cdrelay/internal/listen"
)

// ServerConfig is the listener. Its address and the names of its files need a
// restart to change; connections and the content of the certificate do not.
type ServerConfig struct {
	Listen      string      `yaml:"listen" restart:"true" example:"127.0.0.1:8080" doc:"Host and port where telephony platforms post; without a host, on all addresses."`
	Connections Connections `yaml:"connections" doc:"How many connections are served at a time; one more closes the one that has been idle longest, or waits. See [security.md](security.md#doors)."`
	TLS         *TLSFiles   `yaml:"tls" restart:"true" default:"plain HTTP" example:"{cert: server.crt, key: server.key}" doc:"Certificate of the public listener. Other files need a restart; new content is taken over."`
}

// Connections bound those that are served at a time. One more closes the one that
// has been idle longest, or waits.
type Connections struct {
	Max        int `yaml:"max" example:"1024" doc:"In all."`
	PerAddress int `yaml:"per_address" example:"16" doc:"From one address (one /64 for IPv6); those of trusted_proxies are not counted by address."`
}

// The defaults of Connections.
const (
	defaultMax        = 512
	defaultPerAddress = 64
)

func (c Connections) withDefaults() Connections {
	return Connections{Max: cmp.Or(c.Max, defaultMax), PerAddress: cmp.Or(c.PerAddress, defaultPerAddress)}
}

// WithDefaults returns the configuration with what was left out filled in.
func (c ServerConfig) WithDefaults() ServerConfig {
	c.Listen = cmp.Or(c.Listen, ":8080")
	c.Connections = c.Connections.withDefaults()
	return c
}

// Validate reports everything that is wrong.
func (c ServerConfig) Validate(report func(path, problem string)) {
	if !listen.IsAddress(c.Listen) {
		report("listen", fmt.Sprintf("%q is not an address to listen on: write :8080 or 127.0.0.1:8080", c.Listen))
	}
	if c.Connections.Max < 0 {
		report("connections.max", fmt.Sprintf("%d is out of range: write 1 or more", c.Connections.Max))
	}
	if c.Connections.PerAddress < 0 {
		report("connections.per_address", fmt.Sprintf("%d is out of range: write 1 or more", c.Connections.PerAddress))
	}
	if c.TLS != nil {
		c.TLS.validate(report)
	}
}

// timeouts bound each phase of a connection.
type timeouts struct{ header, read, write, idle time.Duration }

// standardTimeouts leave a slow sender 15 s for its request. The answer may
// take that, the waits for room and the store, and a little more.
func standardTimeouts() timeouts {
	return timeouts{header: 5 * time.Second, read: 15 * time.Second, write: 40 * time.Second, idle: 75 * time.Second}
}

// Server is the public listener.
type Server struct {
	config   ServerConfig
	http     *http.Server
	keys     *keyPair
	log      *slog.Logger
	listener *listen.Listener
}

// NewServer makes a server and reads its certificate; it starts nothing.
func NewServer(c ServerConfig, h http.Handler, l *slog.Logger) (*Server, error) {
	return newServer(c, h, l, standardTimeouts())
}

func newServer(c ServerConfig, h http.Handler, l *slog.Logger, t timeouts) (*Server, error) {
	var only http.Protocols
	only.SetHTTP1(true)
	s := &Server{config: c.WithDefaults(), log: l.With(slog.String("component", "intake")), http: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: t.header,
		ReadTimeout:       t.read,
		WriteTimeout:      t.write,
		IdleTimeout:       t.idle,
		Protocols:         &only,
		ErrorLog:          slog.NewLogLogger(serverLog{l.Handler()}, slog.LevelDebug),

		DisableGeneralOptionsHandler: true,
	}}
	if c.TLS == nil {
		return s, nil
	}
	var err error
	s.keys, err = newKeyPair(*c.TLS)
	return s, err
}

// Listen binds the address. Connections wait until Serve.
func (s *Server) Listen(ctx context.Context) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listen for callbacks: %w", err)
	}
	c := listen.Config{Limits: limits(s.config.Connections, nil), Log: s.log}
	if s.keys != nil {
		c.TLS = s.keys.config()
	}
	s.listener = listen.New(l, c)
	return nil
}

// Limit changes how many connections are served, and which are not counted by
// address. It is called after Listen.
func (s *Server) Limit(c Connections, trusted []Network) { s.listener.SetLimits(limits(c, trusted)) }

func limits(c Connections, trusted networks) listen.Limits {
	c = c.withDefaults()
	return listen.Limits{Max: c.Max, PerAddress: c.PerAddress, Exempt: trusted.contain}
}

// Describe and Collect make a Server that listens a prometheus.Collector.
func (s *Server) Describe(ch chan<- *prometheus.Desc) { s.listener.Describe(ch) }

// Collect implements prometheus.Collector.
func (s *Server) Collect(ch chan<- prometheus.Metric) { s.listener.Collect(ch) }

// Addr is the bound address, nil before Listen.
func (s *Server) Addr() net.Addr {
	if s.listener == nil {
		return nil
	}
	return s.listener.Addr()
}

// Serve answers until Shutdown, and then returns nil.
func (s *Server) Serve() error {
	if s.listener == nil {
		return errors.New("serve callbacks: not listening")
	}
	err := s.listener.Serve(s.http)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve callbacks: %w", err)
}

// Shutdown takes no new connection and waits for the requests in flight; those
// that are not done when ctx ends are cut off.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if s.listener != nil {
		_ = s.listener.Close() // for a listener that was never served; else closed already
	}
	if err == nil {
		return nil
	}
	return errors.Join(fmt.Errorf("callbacks in flight were cut off: %w", err), s.http.Close())
}

// Certificate is one that was read, for Use; the zero Certificate is none.
type Certificate struct{ pair *tls.Certificate }

// ReadCertificate reads the certificate's files again and changes nothing.
func (s *Server) ReadCertificate() (Certificate, error) {
	if s.keys == nil {
		return Certificate{}, nil
	}
	pair, err := s.keys.files.load()
	return Certificate{pair}, err
}

// Use shows the certificate to whoever connects from now on. Connections that
// are open are not touched.
func (s *Server) Use(c Certificate) {
	if c.pair != nil {
		s.keys.current.Store(c.pair)
	}
}

// serverLog takes the lines of net/http: a panic is an error of ours, all else
// is what strangers do to a public port.
type serverLog struct{ slog.Handler }

// Enabled lets every line through to Handle, which knows its level.
func (serverLog) Enabled(context.Context, slog.Level) bool { return true }

// Handle returns the line its level.
func (s serverLog) Handle(ctx context.Context, line slog.Record) error {
	level := slog.LevelDebug
	if strings.HasPrefix(line.Message, "http: panic") {
		level = slog.LevelError
	}
	if !s.Handler.Enabled(ctx, level) {
		return nil
	}
	r := slog.NewRecord(line.Time, level, "http server", line.PC)
	r.AddAttrs(slog.String("component", "intake"), slog.String("text", line.Message))
	return s.Handler.Handle(ctx, r)
}
