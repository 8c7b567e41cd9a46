// Package interrupt catches the signals of the process, for the one command that
// it runs.
//
// SIGINT and SIGTERM end the context of the command, and a second one ends the
// process at once. SIGHUP makes a server read its configuration again, however
// early it comes; to any other command it is a SIGTERM, since a terminal that
// closes ends what runs in it. SIGQUIT is left to Go, which prints all goroutines.
//
// The signals are caught when the package is initialized, not in main: the other
// packages of the binary take 20 ms before that, and longer on a busy machine,
// during which a signal would end the process as if it had no handler. The package
// imports little, so that Go initializes it among the first.
package interrupt

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// caught are the signals since the start of the process.
var caught = catch() //nolint:gochecknoglobals // see the package comment

type signals struct{ stop, hangup chan os.Signal }

func catch() *signals {
	s := &signals{stop: make(chan os.Signal, 1), hangup: make(chan os.Signal, 1)}
	signal.Notify(s.stop, os.Interrupt, syscall.SIGTERM)
	signal.Notify(s.hangup, syscall.SIGHUP)
	return s
}

// Context returns one that ends at the first signal to stop; at the second, end is
// called. It is called once.
func Context(end func()) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-caught.stop
		cancel()
		<-caught.stop
		end()
	}()
	return ctx, cancel
}

// Hangups returns the channel of SIGHUPs; it holds one that came before.
func Hangups() <-chan os.Signal { return caught.hangup }

// HangupStops makes a SIGHUP a signal to stop.
func HangupStops() {
	go func() {
		for hangup := range caught.hangup {
			caught.stop <- hangup
		}
	}()
}
