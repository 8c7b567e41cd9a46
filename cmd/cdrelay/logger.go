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
	// logPatience is how long whoever logs waits for the line to be written, and what
	// is left for the last lines at the end.
	logPatience = 100 * time.Millisecond
)

// logQueue writes lines of the log beside those who log them. A line is written when
// Write returns, unless nobody reads the log: a pipe that is full would hold up
// deliveries, and the stop. Then lines wait in the queue and Write returns at once;
// those for which there is no room are dropped and counted, and what follows them
// says how many.
type logQueue struct {
	out     io.Writer
	lines   chan logLine
	stuck   atomic.Bool // nobody has read for a while
	dropped atomic.Int64
	ended   chan struct{}
}

// logLine is a line, and who waits for it. One without text ends the queue.
type logLine struct {
	text    []byte
	written chan struct{}
}

func newLogQueue(out io.Writer) *logQueue {
	return &logQueue{out: out, lines: make(chan logLine, logLines), ended: make(chan struct{})}
}

// Write implements io.Writer; it never fails.
func (q *logQueue) Write(text []byte) (int, error) {
	line := logLine{text: append([]byte(nil), text...), written: make(chan struct{})}
	select {
	case q.lines <- line:
	default:
		q.dropped.Add(1)
		return len(text), nil
	}
	if q.stuck.Load() {
		return len(text), nil
	}
	patience := time.NewTimer(logPatience)
	defer patience.Stop()
	select {
	case <-line.written:
	case <-patience.C:
		q.stuck.Store(true)
	}
	return len(text), nil
}

// run writes lines until close. tell logs to the output itself.
func (q *logQueue) run(tell *slog.Logger) {
	defer close(q.ended)
	for line := range q.lines {
		if line.text == nil {
			return
		}
		_, _ = q.out.Write(line.text) // there is nowhere else to say that it fails
		close(line.written)
		q.stuck.Store(false)
		if n := q.dropped.Swap(0); n > 0 {
			tell.Warn("lines of the log were dropped: nobody read standard error", "component", "log", "lines", n)
		}
	}
}

// close writes what waits, unless nobody reads it.
func (q *logQueue) close() {
	select {
	case q.lines <- logLine{}:
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
