package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/cdrelay/cdrelay/internal/testbed/bench/peer"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	commands := map[string]func(context.Context, []string, io.Reader, io.Writer) error{
		"run": runBudgets, "growth": runGrowth, "docs": runDocs,
		"post": runPost, "sink": runSink, "bare": runBare, "proxy": runProxy,
	}
	if len(args) == 0 || commands[args[0]] == nil {
		_, _ = fmt.Fprintln(errOut, "usage: bench run|growth|docs [flags]")
		return 2
	}
	err := commands[args[0]](ctx, args[1:], in, out)
	if errors.Is(err, flag.ErrHelp) {
		return 2
	}
	if err != nil {
		_, _ = fmt.Fprintf(errOut, "bench %s: %v\n", args[0], err)
		return 1
	}
	return 0
}

// runPost fires the volley that stands on standard input.
func runPost(ctx context.Context, _ []string, in io.Reader, out io.Writer) error {
	var v peer.Volley
	if err := json.NewDecoder(in).Decode(&v); err != nil {
		return err
	}
	posted, err := peer.Fire(ctx, v)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(posted)
}

// runSink serves until its standard input ends. Its argument is the address.
func runSink(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	l, err := listen(ctx, args, out)
	if err != nil {
		return err
	}
	sink := peer.NewSink()
	served := make(chan error, 1)
	go func() { served <- sink.Serve(l) }()
	err = sink.Talk(ctx, in, out)
	return errors.Join(err, l.Close(), <-served)
}

func runBare(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	return serveUntil(ctx, peer.Bare(), args, in, out)
}

// runProxy takes the sink's URL as its second argument, and how many connections
// it keeps as its third.
func runProxy(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) != 3 {
		return errors.New("wants an address, a URL and a number of connections")
	}
	target, err := url.Parse(args[1])
	if err != nil {
		return err
	}
	kept, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	return serveUntil(ctx, peer.Proxy(target, kept), args, in, out)
}

// serveUntil serves until standard input ends.
func serveUntil(ctx context.Context, h http.Handler, args []string, in io.Reader, out io.Writer) error {
	l, err := listen(ctx, args, out)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	_, err = io.Copy(io.Discard, in)
	err = errors.Join(err, server.Close())
	if end := <-served; !errors.Is(end, http.ErrServerClosed) {
		err = errors.Join(err, end)
	}
	return err
}

// listen binds the first argument and prints the address that came of it.
func listen(ctx context.Context, args []string, out io.Writer) (net.Listener, error) {
	if len(args) == 0 {
		return nil, errors.New("wants an address")
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", args[0])
	if err != nil {
		return nil, err
	}
	_, err = fmt.Fprintln(out, l.Addr())
	return l, err
}
