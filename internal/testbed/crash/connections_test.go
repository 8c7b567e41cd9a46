package crash

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// crowded is a configuration with a source that is open to everybody. Where its
// peers are trusted proxies, no address has a bound of its own.
func crowded(t *testing.T, well *recorder, trusted bool) string {
	t.Helper()
	rest := sprintfSinks(`  - {name: everybody, format: nxcc, region: HK, auth: {open: true}}
sinks: [{name: well, webhook: {url: "%s"}}]
rules: [{name: all, to: [well]}]
`, well)
	if trusted {
		rest += "trusted_proxies: [127.0.0.0/8]\n"
	}
	return writeConfig(t, "", rest)
}

// TestCrashHalfHeadsNoRace opens 2,000 connections with half a head each: 19 KB of short
// header lines, which cost a parser twenty times as much, or as many lines as are
// allowed. Callbacks beside them are answered, and the memory of a pod is enough.
func TestCrashHalfHeadsNoRace(t *testing.T) {
	short := "POST /callbacks/dialer HTTP/1.1\r\nHost: a\r\n"
	for i := 0; len(short) < 19<<10; i++ {
		short += fmt.Sprintf("%c%c:\r\n", 'a'+i%26, 'a'+i/26%26)
	}
	long := "POST /callbacks/dialer HTTP/1.1\r\nHost: a\r\n"
	for i := range 60 {
		long += fmt.Sprintf("x-%d: %s\r\n", i, strings.Repeat("v", 110))
	}
	for name, tc := range map[string]struct {
		head    string
		trusted bool
	}{
		"short lines":                    {short, false},
		"short lines of trusted proxies": {short, true},
		"as many lines as may be":        {long, false},
		"as many lines of proxies":       {long, true},
		"nothing at all from proxies":    {"", true},
	} {
		t.Run(name, func(t *testing.T) {
			besideCrowd(t, tc.trusted, 2000, func(ctx context.Context, c net.Conn, _ int) {
				_, _ = io.WriteString(c, tc.head) // the server may have closed it
				untilClosed(ctx, c)
			})
		})
	}
}

// TestCrashSlowSendersAtAnOpenSourceNoRace posts to an open source over 258 connections
// that send 64 KiB of a callback at once and the rest a byte now and then:
// callbacks to another source are taken meanwhile.
func TestCrashSlowSendersAtAnOpenSourceNoRace(t *testing.T) {
	const head = "POST /callbacks/everybody HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n"
	for name, trusted := range map[string]bool{"one address": false, "trusted proxies": true} {
		t.Run(name, func(t *testing.T) {
			besideCrowd(t, trusted, 258, func(ctx context.Context, c net.Conn, i int) {
				_, err := io.WriteString(c, head+strings.Repeat(" ", 64<<10))
				for ; err == nil && ctx.Err() == nil; _, err = io.WriteString(c, " ") {
					wait(ctx, time.Duration(100+i)*time.Millisecond)
				}
			})
		})
	}
}

// besideCrowd has so many strangers connect at once, again whenever the server
// closes their connection, and posts callbacks beside them.
func besideCrowd(t *testing.T, trusted bool, strangers int, behave func(context.Context, net.Conn, int)) {
	t.Helper()
	well := newRecorder(t, "well", alike(http.StatusOK))
	p := newCage(t).launch(t, crowded(t, well, trusted))
	p.awaitServing()
	v := newVolley(t, 4)
	v.shoot(t.Context(), p.public, 4, 100)
	alone := v.taken()
	v.client.CloseIdleConnections()

	ctx, cancel := context.WithCancel(t.Context())
	var crowd sync.WaitGroup
	for i := range strangers {
		crowd.Go(func() { stranger(ctx, p, i, behave) })
	}
	wait(ctx, time.Second)
	for end := time.Now().Add(8 * time.Second); time.Now().Before(end); wait(ctx, 50*time.Millisecond) {
		v.shoot(ctx, p.public, 4, 8)
		v.client.CloseIdleConnections() // each round comes in from outside
	}
	served := p.metric("cdrelay_connections")
	checkMemory(p)
	cancel()
	crowd.Wait()
	beside := v.taken()
	if beside.at(0.99) > 3*time.Second || len(beside) < 50 {
		t.Errorf("healthy callbacks take %v beside the others, %v alone", beside, alone)
	}
	posted := 0
	for _, n := range v.answers {
		posted += n
	}
	// A sender that this machine lets wait between connecting and sending may be taken
	// for one of the crowd; its platform sends again.
	if v.answers["200"] < posted*95/100 || v.answers["503"] > 0 {
		t.Errorf("answers to healthy callbacks: %v", v.answers)
	}
	if served > 512 || !trusted && served > 64 {
		t.Errorf("%.0f connections were served", served)
	}
	eventually(t, patience, "the healthy calls are delivered", func() bool { return well.count() >= len(v.acked) })
	t.Logf("alone: %v; beside: %v; %.0f connections served", alone, beside, served)
	p.stop()
}

// stranger connects and behaves, again and again.
func stranger(ctx context.Context, p *process, i int, behave func(context.Context, net.Conn, int)) {
	var d net.Dialer
	for ; ctx.Err() == nil; wait(ctx, 2*time.Second) {
		c, err := d.DialContext(ctx, "tcp", strings.TrimPrefix(p.public, "http://"))
		if err != nil {
			continue
		}
		behave(ctx, c, i)
		_ = c.Close() // the server may have closed it first
	}
}

// untilClosed waits for the server, or the test, to end the connection.
func untilClosed(ctx context.Context, c net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = c.Close() }) // ends the read
	defer stop()
	_, _ = io.Copy(io.Discard, c)
}
