package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/cdrelay/cdrelay/internal/app"
	"github.com/cdrelay/cdrelay/internal/config"
)

func serveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Receive callbacks and deliver them until told to stop",
		Long: `serve receives callbacks on the public listener and delivers them by the rules of
the configuration. It stops on SIGTERM or SIGINT, and reads its configuration
again on SIGHUP, on POST /-/reload, and when the file's content changes.`,
		Args: exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := cmd.Flags().GetString("config")
			if err != nil {
				return err
			}
			return serve(cmd.Context(), path, cmd.ErrOrStderr())
		},
	}
}

func serve(ctx context.Context, path string, stderr io.Writer) error {
	fitMemory()
	loaded, err := config.Load(path)
	if err != nil {
		return err
	}
	level := new(slog.LevelVar)
	a, err := app.New(ctx, loaded, app.Options{
		Version:     versionText(),
		Log:         newLogger(loaded.Log, level, stderr),
		Level:       level,
		Load:        func() (*config.Loaded, error) { return config.Load(path) },
		Fingerprint: func() (config.Hash, error) { return config.Fingerprint(path) },
	})
	if err != nil {
		return err
	}
	// Before the server says that it serves: an early SIGHUP would end the process.
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go reloadOnHangup(ctx, a, hangup)
	return a.Run(ctx)
}

// reloadOnHangup reads the configuration again on each SIGHUP.
func reloadOnHangup(ctx context.Context, a *app.App, hangup <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			_ = a.Reload(ctx) // has logged and counted its error
		}
	}
}

// newLogger gives the logger that the configuration asks for.
func newLogger(c config.Log, level *slog.LevelVar, w io.Writer) *slog.Logger {
	_ = level.UnmarshalText([]byte(c.Level)) // Load has checked it
	opts := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}
