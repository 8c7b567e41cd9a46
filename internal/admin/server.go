package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/cdrelay/cdrelay/internal/listen"
)

// Server is the private listener.
type Server struct {
	http     *http.Server
	listener *listen.Listener
	handler  atomic.Pointer[http.Handler]
	closing  atomic.Bool
}

// maxConnections bounds the connections that are served at a time.
const maxConnections = 64

// Listen binds the configured address; Serve answers with the handler.
func Listen(ctx context.Context, c Config, h http.Handler, log *slog.Logger) (*Server, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("private listener: %w", err)
	}
	log = log.With("component", "admin")
	bounded := listen.New(l, listen.Config{Limits: listen.Limits{Max: maxConnections}, Log: log})
	s := &Server{listener: bounded}
	s.Use(h)
	s.http = &http.Server{
		Handler:           http.HandlerFunc(s.answer),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// Use puts a handler in the place of the present one.
func (s *Server) Use(h http.Handler) { s.handler.Store(&h) }

// Close makes every answer from now on close its connection, and no others.
func (s *Server) Close() { s.closing.Store(true) }

func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	(*s.handler.Load()).ServeHTTP(&lastAnswer{ResponseWriter: w, closing: &s.closing}, r)
}

// lastAnswer closes the connection when the server is closing by the time that
// the answer begins.
type lastAnswer struct {
	http.ResponseWriter
	closing *atomic.Bool
	begun   bool
}

// WriteHeader implements http.ResponseWriter.
func (w *lastAnswer) WriteHeader(status int) {
	if !w.begun && w.closing.Load() {
		w.Header().Set("Connection", "close")
	}
	w.begun = true
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *lastAnswer) Write(b []byte) (int, error) {
	if !w.begun {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets an http.ResponseController reach the connection.
func (w *lastAnswer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

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
