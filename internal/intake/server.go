package intake

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"
)

// ServerConfig is the address of the listener; it needs a restart to change,
// the content of its certificate does not.
type ServerConfig struct {
	Listen string    `yaml:"listen" restart:"true" example:"127.0.0.1:8080" doc:"Host and port where telephony platforms post; without a host, on all addresses."`
	TLS    *TLSFiles `yaml:"tls" restart:"true" default:"plain HTTP" example:"{cert: server.crt, key: server.key}" doc:"Certificate of the public listener. Other files need a restart; new content is taken over."`
}

// WithDefaults gives the configuration with what was left out filled in.
func (c ServerConfig) WithDefaults() ServerConfig {
	if c.Listen == "" {
		c.Listen = ":8080"
	}
	return c
}

// Validate reports everything that is wrong.
func (c ServerConfig) Validate(report func(path, problem string)) {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		report("listen", fmt.Sprintf("%q is no address to listen on: write :8080 or 127.0.0.1:8080", c.Listen))
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

// maxHeader bounds the head of a request; net/http allows 4 KiB more.
const maxHeader = 16 << 10

// Server is the public listener.
type Server struct {
	config   ServerConfig
	http     *http.Server
	keys     *keyPair
	listener net.Listener
}

// NewServer makes a server and reads its certificate; it starts nothing.
func NewServer(c ServerConfig, h http.Handler, l *slog.Logger) (*Server, error) {
	return newServer(c, h, l, standardTimeouts())
}

func newServer(c ServerConfig, h http.Handler, l *slog.Logger, t timeouts) (*Server, error) {
	var only http.Protocols
	only.SetHTTP1(true)
	s := &Server{config: c, http: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: t.header,
		ReadTimeout:       t.read,
		WriteTimeout:      t.write,
		IdleTimeout:       t.idle,
		MaxHeaderBytes:    maxHeader,
		Protocols:         &only,
		ErrorLog:          slog.NewLogLogger(serverLog{l.Handler()}, slog.LevelDebug),

		DisableGeneralOptionsHandler: true,
	}}
	if c.TLS == nil {
		return s, nil
	}
	keys, err := newKeyPair(*c.TLS)
	if err != nil {
		return nil, err
	}
	s.keys, s.http.TLSConfig = keys, keys.config()
	return s, nil
}

// Listen binds the address. Connections wait until Serve.
func (s *Server) Listen(ctx context.Context) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("listen for callbacks: %w", err)
	}
	s.listener = l
	return nil
}

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
	var err error
	if s.keys != nil {
		err = s.http.ServeTLS(s.listener, "", "")
	} else {
		err = s.http.Serve(s.listener)
	}
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

// Reload reads the certificate's files again. On an error the present
// certificate stays. Connections that stand are not touched.
func (s *Server) Reload() error {
	if s.keys == nil {
		return nil
	}
	return s.keys.reload()
}

// serverLog takes the lines of net/http: a panic is an error of ours, all else
// is what strangers do to a public port.
type serverLog struct{ slog.Handler }

// Enabled lets every line through to Handle, which knows its level.
func (serverLog) Enabled(context.Context, slog.Level) bool { return true }

// Handle gives the line its level.
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
