package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/cdrelay/cdrelay/adapter/nxcc"
	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/testbed/bench/peer"
	"github.com/cdrelay/cdrelay/internal/testbed/bench/stock"
)

// starts is how often a start is measured.
const starts = 3

// backlogs measures a server with a long backlog for a dead sink beside one
// without: start, memory, the healthy lane, and the draining.
type backlogs struct {
	*harness
	out    section
	folder string
	dead   string // address at which the dead sink comes back
	alone  *server
	beside *server
	well   *target
}

func (h *harness) backlogged(ctx context.Context) (out section, err error) {
	b := &backlogs{harness: h}
	b.out.Title = fmt.Sprintf("a dead sink for which %s deliveries wait", grouped(int64(h.backlog)))
	defer func() { err = errors.Join(err, b.close()) }()
	for _, step := range []func(context.Context) error{b.prepare, b.disk, b.start, b.lanes, b.drained} {
		if err := step(ctx); err != nil {
			return b.out, err
		}
	}
	return b.out, nil
}

func (b *backlogs) close() error {
	var errs []error
	for _, s := range []*server{b.alone, b.beside} {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	if b.well != nil {
		errs = append(errs, b.well.close())
	}
	return errors.Join(errs...)
}

// prepare fills the spool.
func (b *backlogs) prepare(ctx context.Context) (err error) {
	if b.folder, err = os.MkdirTemp(b.dir, "backlog-"); err != nil {
		return err
	}
	if b.dead, err = freePort(ctx); err != nil {
		return err
	}
	if b.well, err = b.sink(ctx, "127.0.0.1:0"); err != nil {
		return err
	}
	b.say("backlog: %s calls are stored", grouped(int64(b.backlog)))
	path := filepath.Join(b.folder, "cdrelay.db")
	if err := fill(ctx, path, "dead", b.backlog); err != nil {
		return err
	}
	size, err := sizeOf(path)
	b.out.add("disk.waiting", "disk per waiting call", "B", float64(size)/float64(b.backlog))
	return err
}

// disk tells what a call takes once it is delivered.
func (b *backlogs) disk(ctx context.Context) error {
	const calls = 20_000
	folder, err := os.MkdirTemp(b.dir, "history-")
	if err != nil {
		return err
	}
	path := filepath.Join(folder, "cdrelay.db")
	if err := fill(ctx, path, "dead", calls); err != nil {
		return err
	}
	if err := stock.Deliver(ctx, path, "dead", calls); err != nil {
		return err
	}
	size, err := sizeOf(path)
	b.out.add("disk.history", "disk per call kept as history, delivered once", "B", float64(size)/calls)
	return err
}

// fill puts calls for one sink into a spool.
func fill(ctx context.Context, path, sink string, calls int) error {
	each, err := storedCall(sink)
	if err != nil {
		return err
	}
	return stock.Fill(ctx, path, sink, calls, each)
}

// storedCall gives the calls that are put into a spool without HTTP: the record
// of the sample as the adapter reads it, with another call's name each time.
func storedCall(sink string) (func(int) (spool.Acceptance, error), error) {
	body, err := callback(0, 0)
	if err != nil {
		return nil, err
	}
	sampled, err := nxcc.Convert(body, call.Source{Name: "b", Region: "HK"})
	if err != nil {
		return nil, err
	}
	zero, to := fmt.Appendf(nil, "%0*d", peer.Digits, 0), []string{sink}
	return func(n int) (spool.Acceptance, error) {
		number, record := fmt.Appendf(nil, "%0*d", peer.Digits, n), *sampled
		record.ID = call.NewID("b", peer.Mark+string(number))
		caller := peer.CallerOf(int64(n))
		record.From = call.Party{Raw: caller, Number: "+" + caller}
		record.Raw = bytes.Replace(bytes.Replace(body, zero, number, 1), []byte(peer.NoCaller()), []byte(caller), 1)
		record.ReceivedAt = call.At(time.Now())
		content := call.ContentHash(sha256.Sum256(record.Raw))
		return spool.Acceptance{Record: &record, Content: content, Route: func(*call.Record) ([]string, error) { return to, nil }}, nil
	}, nil
}

// configured has a healthy sink and the dead one, for which no new calls are.
func (b *backlogs) configured(folder string) setup {
	return setup{folder: folder, sinks: fmt.Sprintf(`sinks:
  - {name: well, webhook: {url: "http://%s/0"}}
  - {name: dead, webhook: {url: "http://%s/0"}, breaker: {open_for: 1s}}
rules: [{name: all, to: [well]}]
`, b.well.address, b.dead)}
}

// start measures memory of an idle server, and starts with the backlog: after a
// crash, and after a clean stop.
func (b *backlogs) start(ctx context.Context) (err error) {
	b.say("start and memory")
	if b.alone, err = b.serve(ctx, b.configured("")); err != nil {
		return err
	}
	if err := pause(ctx, b.calm); err != nil {
		return err
	}
	now, _, err := b.alone.memory()
	if err != nil {
		return err
	}
	b.out.add("memory.idle", "resident memory, idle, nothing waits", "MB", now).most(40)
	b.out.add("start.empty", "start to ready, nothing waits", "s", b.alone.ready.Seconds())
	if err := b.alone.rest(); err != nil {
		return err
	}
	// The one that stays was started after a clean stop: after a crash the whole
	// file is read in the background, which would be measured with the lane.
	crashed, err := b.startsAfter(ctx, (*server).killed)
	if err != nil {
		return err
	}
	clean, err := b.startsAfter(ctx, (*server).close)
	b.out.add("start.clean", "start to ready after a clean stop", "s", clean...).most(1)
	b.out.add("start.crash", "start to ready after kill -9", "s", crashed...).most(1)
	return err
}

// startsAfter starts the server several times, each time after its end.
func (b *backlogs) startsAfter(ctx context.Context, end func(*server) error) (took []float64, err error) {
	if b.beside == nil { // the file was left by stock
		if b.beside, err = b.serve(ctx, b.configured(b.folder)); err != nil {
			return nil, err
		}
	}
	for range starts {
		ended := b.beside
		b.beside = nil
		if err := end(ended); err != nil {
			return nil, err
		}
		if b.beside, err = b.serve(ctx, b.configured(b.folder)); err != nil {
			return nil, err
		}
		took = append(took, b.beside.ready.Seconds())
	}
	return took, nil
}

// killed ends the server as a crash would.
func (s *server) killed() error { return s.kill() }

// lanes measures the healthy lane of both in turn.
func (b *backlogs) lanes(ctx context.Context) error {
	if err := pause(ctx, b.calm); err != nil { // the breaker opens
		return err
	}
	b.say("healthy lane, alone and beside the dead one")
	now, _, err := b.beside.memory()
	if err != nil {
		return err
	}
	if err := b.beside.rest(); err != nil {
		return err
	}
	sides, err := b.inTurn(
		func() (lap, error) { return b.delivering(ctx, &b.beside.side, b.well, 64, 1) },
		func() (lap, error) { return b.delivering(ctx, &b.alone.side, b.well, 64, 1) },
	)
	if err != nil {
		return err
	}
	beside, alone := sides[0], sides[1]
	b.out.add("lane.alone", "delivered alone, 64 connections", "/s", alone.each(rate)...)
	b.out.add("lane.beside", "delivered beside the dead sink", "/s", beside.each(rate)...)
	b.out.add("lane.ratio", "ratio", "", ratios(beside, alone, rate)...).least(0.9)
	b.out.add("lane.cpu.ratio", "ratio of deliveries per CPU-second", "", ratios(alone, beside, lap.per10k)...)
	b.out.add("memory.waiting", "resident memory with the backlog, no load", "MB", now)
	return nil
}

// drained lets the dead sink come back and watches its lane.
func (b *backlogs) drained(ctx context.Context) (err error) {
	b.say("the sink comes back")
	if err := errors.Join(b.beside.wake(), pause(ctx, settled)); err != nil {
		return err
	}
	used, err := b.beside.used()
	if err != nil {
		return err
	}
	back, err := b.sink(ctx, b.dead)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, back.close()) }()
	if _, err := back.await(1, patience); err != nil { // the breaker's probe
		return err
	}
	last, err := back.await(int64(b.backlog), b.drain)
	if err != nil {
		return err
	}
	after, err := b.beside.used()
	if err != nil {
		return err
	}
	n := float64(last.Calls)
	if n < 2 {
		return fmt.Errorf("nothing was drained\n%s", b.beside.stderr)
	}
	b.out.add("drain.rate", "drained when the sink is back", "/s", (n-1)/(float64(last.Last-last.First)/1e9))
	b.out.add("drain.cpu", "CPU-seconds per 10,000 drained", "s", (after.cpu-used.cpu)/n*1e4)
	b.out.add("drain.repeats", "deliveries that came twice", "", float64(last.Requests-last.Calls))
	_, most, err := b.beside.memory()
	b.out.add("memory.backlog", "greatest resident memory with the backlog: start, load and draining", "MB", most).most(150)
	return err
}

// freePort gives an address below the ports that the kernel gives to outgoing
// connections, at which nobody listens.
func freePort(ctx context.Context) (string, error) {
	var errs []error
	for port := 20100; port < 20200; port++ {
		var config net.ListenConfig
		address := fmt.Sprintf("127.0.0.1:%d", port)
		l, err := config.Listen(ctx, "tcp", address)
		if err == nil {
			return address, l.Close()
		}
		errs = append(errs, err)
	}
	return "", errors.Join(errs...)
}

// sizeOf is the size of a spool's file and its WAL.
func sizeOf(path string) (size int64, err error) {
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(path + suffix)
		switch {
		case err == nil:
			size += info.Size()
		case !errors.Is(err, os.ErrNotExist):
			return 0, err
		}
	}
	return size, nil
}
