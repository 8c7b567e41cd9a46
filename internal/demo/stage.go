package demo

import (
	"bytes"
	"context"
	_ "embed" // for the configuration
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"text/template"
	"time"

	"github.com/cdrelay/cdrelay/internal/app"
	"github.com/cdrelay/cdrelay/internal/config"
)

//go:embed config.yaml
var configText string

// addresses fill the placeholders of the configuration.
type addresses struct{ Listen, Admin, Folder, CRM, HubSpot, Slack string }

// The ports that people would guess.
const (
	usualPublic  = "127.0.0.1:8080"
	usualPrivate = "127.0.0.1:8081"
	anyPort      = "127.0.0.1:0"
)

// stage is a running server between its stand-ins.
type stage struct {
	folder   string
	crmState *crm
	account  *account
	// standIns are the endpoints by the names of their sinks.
	standIns map[string]*standIn
	loaded   *config.Loaded
	app      *app.App
	log      *os.File
	client   *http.Client

	stop    context.CancelFunc // ends the server
	serving sync.WaitGroup     // the server
	posing  sync.WaitGroup     // the stand-ins
	failed  chan error         // of what runs; room for one of each
}

// build starts everything in the folder. What it started is stopped again when it
// fails.
func build(ctx context.Context, folder string, o Options) (*stage, error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	s := &stage{
		folder: folder, crmState: newCRM(), account: newAccount(), standIns: map[string]*standIn{}, stop: stop, failed: make(chan error, 4),
		client: &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{}},
	}
	if err := s.start(ctx, o); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stage) start(ctx context.Context, o Options) (err error) {
	for sink, b := range map[string]behaviour{crmSink: s.crmState, hubspotSink: s.account, slackSink: slack{}} {
		one, err := newStandIn(ctx, b)
		if err != nil {
			return err
		}
		s.standIns[sink] = one
		s.run(&s.posing, one.serve)
	}
	if err := s.configure(ctx, o.Once); err != nil {
		return err
	}
	if s.log, err = os.Create(s.file("cdrelay.log")); err != nil {
		return fmt.Errorf("demo log: %w", err)
	}
	level := new(slog.LevelVar)
	s.app, err = app.New(ctx, s.loaded, app.Options{
		Version: o.Version, Level: level,
		Log:         slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: level})),
		Load:        func() (*config.Loaded, error) { return config.Load(s.file("config.yaml")) },
		Fingerprint: func() (config.Hash, error) { return config.Fingerprint(s.file("config.yaml")) },
	})
	if err != nil {
		return err
	}
	s.run(&s.serving, func() error { return s.app.Run(ctx) })
	return nil
}

// run keeps something going until close.
func (s *stage) run(group *sync.WaitGroup, serve func() error) {
	group.Go(func() {
		if err := serve(); err != nil {
			s.failed <- err
		}
	})
}

// file is a path in the folder.
func (s *stage) file(name string) string { return filepath.Join(s.folder, name) }

// configure writes the configuration and the user's callback into the folder, and
// reads the configuration.
func (s *stage) configure(ctx context.Context, once bool) error {
	a := addresses{
		Listen: anyPort, Admin: anyPort, Folder: filepath.ToSlash(s.folder),
		CRM: s.standIns[crmSink].addr(), HubSpot: s.standIns[hubspotSink].addr(), Slack: s.standIns[slackSink].addr(),
	}
	if !once { // nobody posts to a demo that ends by itself
		a.Listen, a.Admin = usual(ctx, usualPublic), usual(ctx, usualPrivate)
	}
	text, err := a.fill(configText)
	if err != nil {
		return err
	}
	call, err := readSample(yours)
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"config.yaml": text, yours: call} {
		if err := os.WriteFile(s.file(name), content, 0o600); err != nil {
			return fmt.Errorf("demo folder: %w", err)
		}
	}
	s.loaded, err = config.Parse(s.file("config.yaml"), text)
	return err
}

func (a addresses) fill(text string) ([]byte, error) {
	t, err := template.New("config").Option("missingkey=error").Parse(text)
	if err != nil {
		return nil, fmt.Errorf("demo configuration: %w", err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, a); err != nil {
		return nil, fmt.Errorf("demo configuration: %w", err)
	}
	return out.Bytes(), nil
}

// usual gives the address when it is free, else one with any port.
func usual(ctx context.Context, address string) string {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil || l.Close() != nil {
		return anyPort
	}
	return address
}

// close stops the server, then the stand-ins, and waits for both.
func (s *stage) close() error {
	s.stop()
	s.serving.Wait()
	var errs []error
	for _, one := range s.standIns {
		errs = append(errs, one.close())
	}
	s.posing.Wait()
	s.client.CloseIdleConnections()
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	close(s.failed)
	for err := range s.failed {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// wait lets time pass. It fails when the context ends or something breaks down.
func (s *stage) wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case err := <-s.failed:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
