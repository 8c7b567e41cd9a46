package main

import (
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cdrelay/cdrelay/internal/config"
)

const (
	// logLines bounds the lines that wait for whoever reads the log.
	logLines = 4096
	// logPatience is what is left for the last lines at the end.
	logPatience = 100 * time.Millisecond
)

// logQueue writes lines of the log behind those who log them. A pipe that nobody
// reads would otherwise hold up deliveries, and the stop; lines for which there is
// no room are dropped and counted, and what follows them says how many.
type logQueue struct {
	out     io.Writer
	lines   chan []byte
	dropped atomic.Int64
	ended   chan struct{}
}

func newLogQueue(out io.Writer) *logQueue {
	return &logQueue{out: out, lines: make(chan []byte, logLines), ended: make(chan struct{})}
}

// Write implements io.Writer; it never waits and never fails.
func (q *logQueue) Write(line []byte) (int, error) {
	select {
	case q.lines <- append([]byte(nil), line...):
	default:
		q.dropped.Add(1)
	}
	return len(line), nil
}

// run writes lines until close. tell logs to the output itself.
func (q *logQueue) run(tell *slog.Logger) {
	defer close(q.ended)
	for line := range q.lines {
		if line == nil {
			return
		}
		_, _ = q.out.Write(line) // there is nowhere else to say that it fails
		if n := q.dropped.Swap(0); n > 0 {
			tell.Warn("lines of the log were dropped: nobody read standard error", "component", "log", "lines", n)
		}
	}
}

// close writes what waits, unless nobody reads it.
func (q *logQueue) close() {
	select {
	case q.lines <- nil:
	default: // full
		return
	}
	select {
	case <-q.ended:
	case <-time.After(logPatience):
	}
}

// newLogger returns the logger that the configuration asks for, and what ends it.
func newLogger(c config.Log, level *slog.LevelVar, stderr io.Writer) (log *slog.Logger, end func()) {
	_ = level.UnmarshalText([]byte(c.Level)) // Load has checked it
	q := newLogQueue(stderr)
	go q.run(slog.New(newHandler(c, level, stderr)))
	return slog.New(newHandler(c, level, q)), q.close
}

func newHandler(c config.Log, level *slog.LevelVar, w io.Writer) slog.Handler {
	opts := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.NewTextHandler(w, opts)
	}
	return slog.NewJSONHandler(w, opts)
}
