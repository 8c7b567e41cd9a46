package demo

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"
)

// TestOnce runs the whole demo as `cdrelay demo --once` does.
func TestOnce(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	var out bytes.Buffer
	if err := Run(t.Context(), Options{Out: &out, Once: true, Version: "v1.2.3"}); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	checkTrace(t, out.String())
	left, err := os.ReadDir(temp)
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// checkTrace wants each stage told of, in order, and readable.
func checkTrace(t *testing.T, trace string) {
	t.Helper()
	rest := trace
	for _, stage := range []string{
		"cdrelay v1.2.3", "Infin8linx", "NXCC",
		"\n1. ", "received ", "answered      200 accepted", "converted     dialer:9513923-263056202, revision 1",
		"outbound call from 219*******01 to +62*********51, not answered",
		"routed        to crm by the rule \"all calls to the CRM\"",
		"crm           +", "503 Service Unavailable: down for maintenance", "next try in", "503 Service", "201 Created", "delivered",
		`crm got {"external_id":"dialer:9513923-263056202"`,
		"\n2. ", "noticed       callDuration is 7 s",
		"\n3. ", "to missed-calls by the rule", "429 Too Many Requests", "pause", "200 OK -> delivered", `missed-calls got "Missed call from +62`,
		"\n4. ", "500 Internal Server Error", "delivered",
		"hubspot       +", "contact: 200 OK -> delivered", "owner: 200 OK", "call: 200 OK", "link: 200 OK",
		"HubSpot shows one entry", "Lau, of agent7@example.com",
		"\n5. ", "revision 2", "with a recording", "delivered", "call: 200 OK", "HubSpot shows one entry", "with the recording",
		"\n6. ", "200 duplicate: revision 2 of nxlink:",
		"\n7. ", "200 ignored",
		"\n8. ", "400 not understood: not JSON: line 21", "dead letter", "stage intake, reason undecodable",
		"\n9. ", "422 Unprocessable Entity: there is no field \"keys_pressed\"", "stage delivery, reason rejected",
		"mended ", "replayed      1 dead letter", "201 Created: call logged -> delivered",
		"\n10. ", "revision 1", "\n11. ", "revision 2", "missed-calls  superseded", "missed-calls  +2", "200 OK -> delivered",
		"In all", "11 callbacks: 8 accepted, 1 duplicate, 1 ignored, 1 not understood",
		"12 of 13 deliveries, 1 superseded, in 20 requests, 5 of which failed", "2 made, 1 replayed, 1 left",
		"result        every call has arrived",
	} {
		_, after, found := strings.Cut(rest, stage)
		if !found {
			t.Fatalf("the trace does not tell %q in its place:\n%s", stage, trace)
		}
		rest = after
	}
	for line := range strings.Lines(trace) {
		if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > width {
			t.Errorf("a line has %d columns: %s", n, line)
		}
	}
	if strings.Contains(trace, "\x1b") {
		t.Error("colours in what is no terminal")
	}
	if number := regexp.MustCompile(`(81351111451|87847569524|89683227899|85235757581|2150001234)`).FindString(trace); number != "" {
		t.Errorf("the number %s is not masked", number)
	}
}

// TestOnceSaysWhatIsMissing ends the demo before it can do anything.
func TestOnceSaysWhatIsMissing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	err := Run(ctx, Options{Out: &out, Once: true})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	for _, one := range samples() {
		if !strings.Contains(err.Error(), one.file+": was not posted") {
			t.Errorf("%s is not named: %v", one.file, err)
		}
	}
	if strings.Contains(out.String(), "result") {
		t.Errorf("success is claimed:\n%s", out.String())
	}
}

func TestTheUserMayEndItAtAnyTime(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Run(ctx, Options{Out: new(bytes.Buffer)}); err != nil {
		t.Error(err)
	}
}

type brokenPipe struct{}

var errPipe = errors.New("broken pipe")

func (brokenPipe) Write([]byte) (int, error) { return 0, errPipe }

func TestNobodyReads(t *testing.T) {
	if err := Run(t.Context(), Options{Out: brokenPipe{}}); !errors.Is(err, errPipe) {
		t.Errorf("error %v", err)
	}
}

// TestStay does what the invitation says, then ends the demo.
func TestStay(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out := newReader()
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, Options{Out: out, Version: "test"}) }()

	invitation := out.await(ctx, t, regexp.MustCompile(`(?s)curl --data '@(\S+)' \\\s+'(http://\S+)'.*At the end (\S+) `))
	file, url, folder := invitation[1], invitation[2], invitation[3]
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	post(t, url, string(body))
	out.await(ctx, t, regexp.MustCompile(`(?s)A call of yours\n.*inbound call from.*missed-calls .*delivered.*crm .*delivered`))
	post(t, url, "[]")
	out.await(ctx, t, regexp.MustCompile(`(?s)A callback of yours that is no call\n.*stage intake`))

	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func post(t *testing.T, url, body string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
}

// reader keeps what is written, for those who wait for a text.
type reader struct {
	mu      sync.Mutex
	text    []byte
	changed chan struct{}
}

func newReader() *reader { return &reader{changed: make(chan struct{}, 1)} }

func (r *reader) Write(b []byte) (int, error) {
	r.mu.Lock()
	r.text = append(r.text, b...)
	r.mu.Unlock()
	select {
	case r.changed <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (r *reader) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.text)
}

// await gives the first match in all that was written.
func (r *reader) await(ctx context.Context, t *testing.T, want *regexp.Regexp) []string {
	t.Helper()
	for {
		if m := want.FindStringSubmatch(r.String()); m != nil {
			return m
		}
		select {
		case <-r.changed:
		case <-ctx.Done():
			t.Fatalf("%s was not written:\n%s", want, r)
		}
	}
}
