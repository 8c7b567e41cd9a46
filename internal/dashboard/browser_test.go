package dashboard_test

import (
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/cdrelay/cdrelay/internal/browsertest"
	"github.com/cdrelay/cdrelay/internal/dashboard"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// axeFile lies beside the other things that a build leaves.
const axeFile = "../../bin/axe/axe-4.10.3.min.js"

// browser looks at the pages of a rig.
type browser struct {
	*rig
	*browsertest.Browser
}

// TestBrowser drives the page in a real browser. `make browser` runs it.
func TestBrowser(t *testing.T) {
	browsertest.Asked(t)
	r := newRig(t)
	r.seed()
	r.history()
	b := &browser{rig: r, Browser: browsertest.Open(t, r.server.URL)}
	t.Run("every page in light, dark and on a phone", b.everyPage)
	t.Run("keyboard", b.keyboard)
	t.Run("select all", b.selectAll)
	t.Run("playground", b.tryPlayground)
	t.Run("search, see why, mend, replay, delivered", b.mendAndReplay)
	t.Run("pause and resume, refreshed by itself", b.pauseAndRefresh)
	t.Run("purge asks first", b.purges)
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
		b.Look(t, look.width, look.scheme)
		for name, path := range b.pathsOf() {
			b.Visit(t, path)
			b.Reads(t, "all times are UTC")
			b.Shoot(t, strings.ReplaceAll(name, " ", "-")+"-"+look.name)
			if wide := browsertest.Eval[int](t, b.Browser, `document.documentElement.scrollWidth`); wide > int(look.width) {
				t.Errorf("%s, %s: the page is %d wide", name, look.name, wide)
			}
			if look.name != "phone-dark" { // its colours are those of dark, its form that of phone
				b.check(t, name+", "+look.name, axe)
			}
		}
	}
	b.Look(t, 1200, "light")
}

// check lets axe-core judge the page.
func (b *browser) check(t *testing.T, name string, axe []byte) {
	t.Helper()
	if axe == nil {
		return
	}
	browsertest.Eval[bool](t, b.Browser, string(axe)+"; true")
	found := browsertest.Eval[[]string](t, b.Browser, `axe.run(document, {resultTypes: ["violations"]}).then(r =>
		r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html.slice(0, 120) + " " + n.failureSummary)))`, chromedp.EvalAwaitPromise)
	for _, f := range found {
		t.Errorf("%s: %s", name, f)
	}
}

// keyboard: Tab reaches every control in the order of the page, and it is seen
// where one is.
func (b *browser) keyboard(t *testing.T) {
	for name, path := range b.pathsOf() {
		b.Visit(t, path)
		want := browsertest.Eval[int](t, b.Browser, `[...document.querySelectorAll("a[href],button,input:not([type=hidden]),select,textarea,summary,pre[tabindex]")]
			.filter(e => e.getClientRects().length && e.checkVisibility()).map((e, i) => e.dataset.nth = i).length`)
		next, bad := 0, false
		for range 20 * want {
			b.Do(t, chromedp.KeyEvent("\t"))
			at := browsertest.Eval[string](t, b.Browser, `(() => { const e = document.activeElement, s = getComputedStyle(e);
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
	b.Visit(t, "/dead-letters")
	b.Reads(t, "none selected")
	b.Click(t, `[data-all]`)
	b.Reads(t, "2 selected")
}

func (b *browser) tryPlayground(t *testing.T) {
	b.Visit(t, "/playground")
	b.Do(t, chromedp.SetValue(chromedp.CSS(`#body`), callback("500", "callout", customer)))
	b.Click(t, `main button`)
	b.Reads(t, "It would go to crm")
	b.Reads(t, "Request to crm")
	b.Shoot(t, "playground-answer-light")
	axe, _ := os.ReadFile(axeFile)
	b.check(t, "playground answer", axe)
	if b.got.Load() != 1 {
		t.Error("the playground has sent something")
	}
}

// mendAndReplay goes the way of the person on duty: the number, the call, why it
// failed, and after the sink is mended one click.
func (b *browser) mendAndReplay(t *testing.T) {
	b.Visit(t, "/")
	b.Click(t, `nav a[href="/calls"]`)
	b.Reads(t, "newest first")
	b.Do(t, chromedp.SendKeys(chromedp.CSS(`input[name=number]`), "0813 5111 1451\r"))
	b.Reads(t, "dialer:9513923-101")
	b.Click(t, `a[href="/calls/dialer:9513923-101"]`)
	b.Reads(t, "Dead letter: Refused by the sink")
	b.Click(t, `.timeline a`)
	b.Reads(t, "What to do")
	b.mended.Store(true)
	b.Click(t, `main button.main`)
	b.Reads(t, "1 dead letter put back")
	b.until("delivered", func() bool { return b.state("dialer:9513923-101") == "delivered" })
	b.Do(t, chromedp.Reload())
	b.Reads(t, "Attempt delivered it")
	b.Shoot(t, "replayed-light")
}

func (b *browser) pauseAndRefresh(t *testing.T) {
	b.Visit(t, "/")
	b.Click(t, `button[aria-label="Pause crm"]`)
	b.Reads(t, "The sink is paused until you resume it")
	if !b.spool.PauseOf("crm").Active(time.Now()) {
		t.Error("the lane is not paused")
	}
	if err := b.spool.SetPause(t.Context(), "crm", spool.Pause{}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(9 * time.Second); !browsertest.Eval[bool](t, b.Browser, `!!document.querySelector('[aria-label="Pause crm"]')`); <-time.After(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the overview does not refresh by itself")
		}
	}
}

func (b *browser) purges(t *testing.T) {
	b.Visit(t, "/dead-letters")
	b.Click(t, `input[name=id]`)
	b.Click(t, `#some button.danger`)
	b.Reads(t, "Purge 1 dead letter?")
	b.Shoot(t, "purge-light")
	b.Click(t, `main button.danger`)
	b.Reads(t, "There are no dead letters")
}
