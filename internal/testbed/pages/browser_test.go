package pages

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// screenshots is where pictures go.
const screenshots = "../../../bin/screenshots"

// patience bounds what a page may take.
const patience = 15 * time.Second

// browser is a headless Chromium with one tab, for one goroutine.
type browser struct {
	ctx  context.Context // of the tab; chromedp keeps the tab in it
	site string

	mu    sync.Mutex // guards below
	wrong []string
}

// openBrowser starts a browser for the pages of a site, such as http://127.0.0.1:8081,
// and ends it with the test, which fails for all that must not happen.
func openBrowser(t *testing.T, site string) *browser {
	t.Helper()
	b := &browser{site: site}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()))
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b.ctx = ctx
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatalf("Chromium does not start: %v", err)
	}
	b.do(t, chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, cdplog.Enable, cdp.Empty{})
		return err
	}))
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, w := range b.wrong {
			t.Error(w)
		}
	})
	return b
}

// asked skips the test unless browsers are asked for: they are slow, and not on
// every machine.
func asked(t *testing.T) {
	t.Helper()
	if os.Getenv("CDRELAY_BROWSER") != "1" {
		t.Skip("DID NOT RUN: the tests in a real browser need Chromium; `make browser` runs them")
	}
}

// listen notes what must not happen on any page.
func (b *browser) listen(event any) {
	wrong := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		wrong = "a script failed: " + fmt.Sprint(e.ExceptionDetails)
	case *runtime.EventConsoleAPICalled:
		wrong = fmt.Sprintf("console.%s", e.Type)
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			wrong = "the console says: " + e.Entry.Text + " " + e.Entry.URL
		}
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err == nil && u.Scheme != "data" && u.Host != strings.TrimPrefix(b.site, "http://") {
			wrong = "a request to another host: " + e.Request.URL
		}
	}
	if wrong != "" {
		b.mu.Lock()
		b.wrong = append(b.wrong, wrong)
		b.mu.Unlock()
	}
}

// do carries out steps in the tab.
func (b *browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// visit opens a page by its path.
func (b *browser) visit(t *testing.T, path string) {
	t.Helper()
	b.do(t, chromedp.Navigate(b.site+path))
}

// click presses the first element of a kind. The page before may be on its way
// out, and its elements with it.
func (b *browser) click(t *testing.T, selector string) {
	t.Helper()
	var err error
	for range 5 {
		ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
		err = chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector)))
		cancel()
		if err == nil {
			return
		}
	}
	t.Fatalf("click %s: %v", selector, err)
}

// eval returns what a script returns, as JSON text.
func eval[T any](t *testing.T, b *browser, script string, opts ...chromedp.EvaluateOption) T {
	t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](script, opts...))
	if err != nil {
		t.Fatalf("%s: %v", script[:min(len(script), 80)], err)
	}
	return v
}

// reads waits until the page says something.
func (b *browser) reads(t *testing.T, text string) {
	t.Helper()
	quoted, _ := json.Marshal(text)
	b.comes(t, `document.body.innerText.includes(`+string(quoted)+`)`)
}

// comes waits until a page has come of which a script says true: after a click, one
// that is false of the page before.
func (b *browser) comes(t *testing.T, script string) {
	t.Helper()
	for end := time.Now().Add(patience); ; <-time.After(20 * time.Millisecond) {
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.readyState === "complete" && `+script))
		if err == nil && found {
			return
		}
		if time.Now().After(end) {
			b.shoot(t, "failed-"+strings.ReplaceAll(t.Name(), "/", "-"))
			t.Fatalf("never true of the page: %s", script)
		}
	}
}

// shoot takes a picture of the whole page.
func (b *browser) shoot(t *testing.T, name string) {
	t.Helper()
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(screenshots, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(screenshots, name+".png"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

// look sets the width of the window and the colours.
func (b *browser) look(t *testing.T, width int64, scheme string) {
	t.Helper()
	b.do(t, chromedp.EmulateViewport(width, 800), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}
