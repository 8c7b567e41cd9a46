package dashboard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
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

	"github.com/cdrelay/cdrelay/internal/dashboard"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// The folders beside the other things that a build leaves.
const (
	screenshots = "../../bin/screenshots"
	axeFile     = "../../bin/axe/axe-4.10.3.min.js"
)

// browser is a headless Chromium with one tab.
type browser struct {
	*rig
	ctx context.Context

	mu    sync.Mutex // guards below
	wrong []string   // what the console or the network complained of
}

// TestBrowser drives the page in a real browser. `make browser` runs it.
func TestBrowser(t *testing.T) {
	if os.Getenv("CDRELAY_BROWSER") != "1" {
		t.Skip("DID NOT RUN: the tests in a real browser need Chromium; `make browser` runs them")
	}
	r := newRig(t)
	r.seed()
	r.history()
	b := &browser{rig: r}
	b.open()
	t.Run("every page in light, dark and on a phone", b.everyPage)
	t.Run("keyboard", b.keyboard)
	t.Run("select all", b.selectAll)
	t.Run("playground", b.tryPlayground)
	t.Run("search, see why, mend, replay, delivered", b.mendAndReplay)
	t.Run("pause and resume, refreshed by itself", b.pauseAndRefresh)
	t.Run("purge asks first", b.purges)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, w := range b.wrong {
		t.Error(w)
	}
}

// history makes an hour of pictures.
func (r *rig) history() {
	var c dashboard.Counters
	c.BySource, c.BySink = map[string]float64{}, map[string]float64{}
	for i := range 60 {
		wave := 40 + 30*math.Sin(float64(i)/7) + float64(i*37%11)
		c.Received += math.Round(wave)
		c.Delivered += math.Round(wave * .96)
		c.BySource["dialer"] = c.Received
		c.BySink["crm"] = c.Delivered
		c.Waiting = math.Round(max(0, 30*math.Sin(float64(i-20)/9)))
		if i%13 == 5 {
			c.DeadLetters += float64(1 + i%3)
		}
		r.page.Sample(time.Now().Add(time.Duration(i-60)*time.Minute), c)
	}
	c.Received, c.Delivered = c.Received+21, c.Delivered+19
	r.counters = c
}

func (b *browser) open() {
	t := b.t
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()))
	ctx, cancel := context.WithTimeout(t.Context(), 55*time.Second)
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
		if u, err := url.Parse(e.Request.URL); err == nil && u.Scheme != "data" && u.Host != strings.TrimPrefix(b.server.URL, "http://") {
			wrong = "a request to another host: " + e.Request.URL
		}
	}
	if wrong != "" {
		b.mu.Lock()
		b.wrong = append(b.wrong, wrong)
		b.mu.Unlock()
	}
}

func (b *browser) do(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 15*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func (b *browser) visit(t *testing.T, path string) {
	t.Helper()
	b.do(t, chromedp.Navigate(b.server.URL+path))
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

// eval gives what a script gives, as JSON text.
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
	for end := time.Now().Add(10 * time.Second); ; <-time.After(20 * time.Millisecond) {
		found, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](`document.readyState === "complete" && document.body.innerText.includes(`+string(quoted)+`)`))
		if err == nil && found {
			return
		}
		if time.Now().After(end) {
			b.shoot(t, "failed-"+strings.ReplaceAll(t.Name(), "/", "-"))
			t.Fatalf("the page does not say %q", text)
		}
	}
}

func (b *browser) shoot(t *testing.T, name string) {
	t.Helper()
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(screenshots, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(screenshots, name+".png"), picture, 0o644); err != nil {
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

func (b *browser) everyPage(t *testing.T) {
	axe, err := os.ReadFile(axeFile)
	if err != nil {
		t.Run("contrast and labels", func(t *testing.T) {
			t.Skip("DID NOT RUN: the check of contrast and labels needs axe-core; `make browser` fetches it where npm is")
		})
	}
	for _, look := range []struct {
		name   string
		width  int64
		scheme string
	}{{"light", 1200, "light"}, {"dark", 1200, "dark"}, {"phone", 360, "light"}, {"phone-dark", 360, "dark"}} {
		b.look(t, look.width, look.scheme)
		for name, path := range b.pathsOf() {
			b.visit(t, path)
			b.reads(t, "all times are UTC")
			b.shoot(t, strings.ReplaceAll(name, " ", "-")+"-"+look.name)
			if wide := eval[int](t, b, `document.documentElement.scrollWidth`); wide > int(look.width) {
				t.Errorf("%s, %s: the page is %d wide", name, look.name, wide)
			}
			if look.name != "phone-dark" { // its colours are those of dark, its form that of phone
				b.check(t, name+", "+look.name, axe)
			}
		}
	}
	b.look(t, 1200, "light")
}

// check lets axe-core judge the page.
func (b *browser) check(t *testing.T, name string, axe []byte) {
	t.Helper()
	if axe == nil {
		return
	}
	eval[bool](t, b, string(axe)+"; true")
	found := eval[[]string](t, b, `axe.run(document, {resultTypes: ["violations"]}).then(r =>
		r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html.slice(0, 120) + " " + n.failureSummary)))`, chromedp.EvalAwaitPromise)
	for _, f := range found {
		t.Errorf("%s: %s", name, f)
	}
}

// keyboard: Tab reaches every control in the order of the page, and it is seen
// where one is.
func (b *browser) keyboard(t *testing.T) {
	for name, path := range b.pathsOf() {
		b.visit(t, path)
		want := eval[int](t, b, `[...document.querySelectorAll("a[href],button,input:not([type=hidden]),select,textarea,pre[tabindex]")]
			.filter(e => e.getClientRects().length).map((e, i) => e.dataset.nth = i).length`)
		next, bad := 0, false
		for range 20 * want {
			b.do(t, chromedp.KeyEvent("\t"))
			at := eval[string](t, b, `(() => { const e = document.activeElement, s = getComputedStyle(e);
				if (!e.dataset.nth) return "";
				return e.dataset.nth + (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2 ? " unseen" : ""); })()`)
			nth, unseen, _ := strings.Cut(at, " ")
			switch {
			case unseen != "":
				bad = true
				t.Errorf("%s: control %s has the focus, and nobody sees it", name, nth)
			case nth == fmt.Sprint(next):
				next++
			case nth != fmt.Sprint(next-1): // a field of several parts keeps the focus
				bad = true
				t.Errorf("%s: Tab reaches control %q in place of %d", name, nth, next)
			}
			if next == want || bad {
				break
			}
		}
		if next != want {
			t.Errorf("%s: Tab reaches %d of %d controls", name, next, want)
		}
	}
}

func (b *browser) selectAll(t *testing.T) {
	b.visit(t, "/dead-letters")
	b.reads(t, "none selected")
	b.click(t, `[data-all]`)
	b.reads(t, "2 selected")
}

func (b *browser) tryPlayground(t *testing.T) {
	b.visit(t, "/playground")
	b.do(t, chromedp.SetValue(chromedp.CSS(`#body`), callback("500", "callout", customer)))
	b.click(t, `main button`)
	b.reads(t, "It would go to crm")
	b.reads(t, "Request to crm")
	b.shoot(t, "playground-answer-light")
	axe, _ := os.ReadFile(axeFile)
	b.check(t, "playground answer", axe)
	if b.got.Load() != 1 {
		t.Error("the playground has sent something")
	}
}

// mendAndReplay goes the way of the person on duty: the number, the call, why it
// failed, and after the sink is mended one click.
func (b *browser) mendAndReplay(t *testing.T) {
	b.visit(t, "/")
	b.click(t, `nav a[href="/calls"]`)
	b.reads(t, "newest first")
	b.do(t, chromedp.SendKeys(chromedp.CSS(`input[name=number]`), "0813 5111 1451\r"))
	b.reads(t, "dialer:9513923-101")
	b.click(t, `a[href="/calls/dialer:9513923-101"]`)
	b.reads(t, "Dead letter: Refused by the sink")
	b.click(t, `.timeline a`)
	b.reads(t, "What to do")
	b.mended.Store(true)
	b.click(t, `main button.main`)
	b.reads(t, "1 dead letter put back")
	b.until("delivered", func() bool { return b.state("dialer:9513923-101") == "delivered" })
	b.do(t, chromedp.Reload())
	b.reads(t, "Attempt delivered it")
	b.shoot(t, "replayed-light")
}

func (b *browser) pauseAndRefresh(t *testing.T) {
	b.visit(t, "/")
	b.click(t, `button[aria-label="Pause crm"]`)
	b.reads(t, "The sink is paused until you resume it")
	if !b.spool.PauseOf("crm").Active(time.Now()) {
		t.Error("the lane is not paused")
	}
	if err := b.spool.SetPause("crm", spool.Pause{}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(9 * time.Second); !eval[bool](t, b, `!!document.querySelector('[aria-label="Pause crm"]')`); <-time.After(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the overview does not refresh by itself")
		}
	}
}

func (b *browser) purges(t *testing.T) {
	b.visit(t, "/dead-letters")
	b.click(t, `input[name=id]`)
	b.click(t, `#some button.danger`)
	b.reads(t, "Purge 1 dead letter?")
	b.shoot(t, "purge-light")
	b.click(t, `main button.danger`)
	b.reads(t, "There are no dead letters")
}
