package main

import (
	"context"
	"io"
	"log/slog"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/app"
	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/interrupt"
)

func serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   serveName,
		Short: "Receive callbacks and deliver them until told to stop",
		Long: `serve receives callbacks on the public listener and delivers them by the rules of
the configuration. It stops on SIGTERM or SIGINT, at once on a second one, and
reads its configuration again on SIGHUP, on POST /-/reload, and when the file's
content changes.`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), configPath(cmd), cmd.ErrOrStderr())
		},
	}
}

// serveName is the command that keeps its hang-up signals.
const serveName = "serve"

func serve(ctx context.Context, path string, stderr io.Writer) error {
	signal.Ignore(syscall.SIGPIPE) // a log that nobody reads any more ends no server
	fitMemory()
	loaded, err := load(ctx, path)
	if ctx.Err() != nil {
		return nil // told to stop before there was anything to stop
	}
	if err != nil {
		return err
	}
	level := new(slog.LevelVar)
	log, endLog := newLogger(loaded.Log, level, stderr)
	defer endLog()
	return app.Serve(ctx, loaded, app.Options{
		Version:     versionText(),
		Log:         log,
		Level:       level,
		Load:        func() (*config.Loaded, error) { return config.Load(path) },
		Fingerprint: func() (config.Hash, error) { return config.Fingerprint(path) },
		Hangup:      interrupt.Hangups(),
	})
}

// load reads the configuration, unless the context ends before a file that hangs
// was read.
func load(ctx context.Context, path string) (loaded *config.Loaded, err error) {
	type result struct {
		loaded *config.Loaded
		err    error
	}
	done := make(chan result, 1)
	go func() {
		l, err := config.Load(path)
		done <- result{l, err}
	}()
	select {
	case r := <-done:
		return r.loaded, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
