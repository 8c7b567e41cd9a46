package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/cdrelay/cdrelay/internal/listen"
)

// Server is the private listener.
type Server struct {
	http     *http.Server
	listener *listen.Listener
}

// maxConnections bounds the connections that are served at a time.
const maxConnections = 64

// Listen binds the configured address; Serve answers.
func Listen(ctx context.Context, c Config, h http.Handler, log *slog.Logger) (*Server, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("private listener: %w", err)
	}
	log = log.With("component", "admin")
	bounded := listen.New(l, listen.Config{Limits: listen.Limits{Max: maxConnections}, Log: log})
	return &Server{listener: bounded, http: &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}, nil
}

// Addr is the bound address.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Serve answers until Shutdown and then returns nil.
func (s *Server) Serve() error {
	if err := s.listener.Serve(s.http); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("private listener: %w", err)
	}
	return nil
}

// Shutdown takes no new connection, waits for requests in flight until ctx ends,
// and cuts off the rest.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.http.Shutdown(ctx) != nil {
		return s.http.Close()
	}
	return nil
}
