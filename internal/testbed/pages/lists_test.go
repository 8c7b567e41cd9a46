package pages

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// lists is a browser that looks at long lists: three pages of calls of four customers,
// refused by one sink of three.
type lists struct {
	*site
	*browser
	crm *sink
}

const listSinks = `
sinks:
  - {name: crm, webhook: {url: "%[1]s/calls"}}
  - {name: missed-calls, webhook: {url: "%[2]s/chat"}}
  - {name: archive, webhook: {url: "%[2]s/archive"}}
rules:
  - {name: chat, when: call.customer.number == "+` + later + `", to: [missed-calls, archive]}
  - {name: two, when: call.customer.number == "+` + nobody + `", to: [archive]}
  - {name: all, to: [crm]}
`

// calls is how many calls the lists have.
const calls = 120

// TestBrowserLists drives the lists of calls and dead letters.
func TestBrowserLists(t *testing.T) {
	asked(t)
	crm, other := newSink(t, http.StatusUnprocessableEntity), newSink(t, http.StatusOK)
	b := &lists{site: serve(t, fmt.Sprintf(listSinks, crm.URL, other.URL)), crm: crm}
	numbers := []string{customer, later, nobody, "6281351111454"}
	for i := range calls {
		b.post(callback(fmt.Sprint(263056200+i), []string{"callout", "callin"}[i/2%2], numbers[i%len(numbers)]))
	}
	b.postGarbage(`{"id":99,"companycode":"9513923" "destnumber":"` + customer + `"}`)
	b.until("all are refused", func() bool { return b.dead("crm") == calls })
	b.browser = openBrowser(t, b.page)
	t.Run("a line a call, or a card", b.oneLine)
	t.Run("the id is copied by a click", b.copies)
	t.Run("newer and older", b.walks)
	t.Run("a number leads to its calls", b.numbers)
	t.Run("by sink, state and agent", b.filters)
	t.Run("new calls appear", b.appears)
	t.Run("why did 0813… not arrive, in three clicks", b.why)
	t.Run("dead letters by number", b.lettersOfNumber)
	t.Run("a callback is corrected", b.corrects)
	t.Run("a group is replayed", b.replaysGroup)
}

func (b *lists) dead(sink string) int64 {
	lanes, err := b.app.Spool().Lanes(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	for _, l := range lanes {
		if l.Sink == sink {
			return l.DeadLetters
		}
	}
	return 0
}

// oneLine: 50 calls fit on a page that is not endless; nothing overflows, and no time is
// broken into lines.
func (b *lists) oneLine(t *testing.T) {
	defer b.look(t, 1200, "light")
	axe, _ := os.ReadFile(axeFile)
	judge := &tour{site: b.site, browser: b.browser}
	for _, c := range []struct {
		width  int64
		height int
		scheme string
		judged bool
	}{
		{1400, 2500, "light", true},
		{1400, 2500, "dark", true},
		{1100, 2500, "light", false},
		{390, 6000, "light", true},
		{390, 6000, "dark", false},
		{360, 6000, "light", false},
	} {
		b.look(t, c.width, c.scheme)
		for name, path := range map[string]string{"calls": "/calls", "calls-numbers": "/calls?numbers=show"} {
			b.visit(t, path)
			b.comes(t, `document.querySelectorAll(".list tbody tr").length === 50`)
			if got := eval[int](t, b.browser, `document.documentElement.scrollHeight`); got > c.height {
				t.Errorf("%s at %d: %d high, at most %d", name, c.width, got, c.height)
			}
			b.fits(t, name, c.width)
			b.shoot(t, fmt.Sprintf("%s-%d-%s", name, c.width, c.scheme))
			if name == "calls" && c.judged {
				judge.check(t, fmt.Sprintf("%s at %d, %s", name, c.width, c.scheme), axe)
			}
		}
		for name, path := range map[string]string{"letters": "/dead-letters", "groups": "/dead-letters/groups"} {
			b.visit(t, path)
			b.reads(t, "all times are in ")
			b.fits(t, name, c.width)
			b.shoot(t, fmt.Sprintf("%s-%d-%s", name, c.width, c.scheme))
			if c.judged {
				judge.check(t, fmt.Sprintf("%s at %d, %s", name, c.width, c.scheme), axe)
			}
		}
		if c.width < 1400 {
			continue
		}
		b.visit(t, "/calls")
		if cut := eval[string](t, b.browser, `[...document.querySelectorAll(".list .pill")].find((p) => p.scrollWidth > p.clientWidth || !p.title)?.textContent ?? ""`); cut != "" {
			t.Errorf("a delivery is not whole: %s", cut)
		}
		if lines := eval[int](t, b.browser, `Math.max(...[...document.querySelectorAll(".list tbody tr")].map((r) => r.getBoundingClientRect().height))`); lines > 40 {
			t.Errorf("a call takes %d pixels", lines)
		}
	}
}

// fits wants a page no wider than the window, with each time on one line.
func (b *lists) fits(t *testing.T, name string, width int64) {
	t.Helper()
	if wide := eval[int](t, b.browser, `document.documentElement.scrollWidth`); wide > int(width) {
		t.Errorf("%s at %d: the page is %d wide", name, width, wide)
	}
	broken := eval[[]string](t, b.browser, `[...document.querySelectorAll("time")].filter((e) => e.getClientRects().length > 1).map((e) => e.textContent)`)
	if len(broken) > 0 {
		t.Errorf("%s at %d: times over several lines: %v", name, width, broken[0])
	}
}

// copies: with the clipboard of the browser, and without it.
func (b *lists) copies(t *testing.T) {
	for _, script := range map[string]string{
		"secure": `navigator.clipboard.writeText = async (text) => { window.copied = text; }; true`,
		"plain": `Object.defineProperty(navigator, "clipboard", { value: undefined });
			document.addEventListener("copy", () => { window.copied = document.activeElement.value; }); true`,
	} {
		b.visit(t, "/calls")
		eval[bool](t, b.browser, script)
		b.click(t, `[data-copy]`)
		b.comes(t, `window.copied === document.querySelector("[data-copy]").dataset.copy && window.copied.startsWith("dialer:9513923-")`)
		b.comes(t, `document.querySelector("[data-copy]").dataset.copied === "yes"`)
	}
}

// first is the id of the first call of the list.
const first = `document.querySelector("[data-copy]").dataset.copy`

func (b *lists) walks(t *testing.T) {
	b.visit(t, "/calls")
	pages := []string{eval[string](t, b.browser, first)}
	for range 2 {
		b.click(t, `.pages a:last-child`)
		b.comes(t, first+` !== "`+pages[len(pages)-1]+`"`)
		pages = append(pages, eval[string](t, b.browser, first))
	}
	if eval[bool](t, b.browser, `[...document.querySelectorAll(".pages a")].some((a) => a.textContent === "Older")`) {
		t.Error("there is an older page than the last")
	}
	for i := 1; i >= 0; i-- {
		b.click(t, `.pages a:nth-child(2)`)
		b.comes(t, first+` === "`+pages[i]+`"`)
	}
	if n := eval[int](t, b.browser, `document.querySelectorAll(".pages a").length`); n != 1 {
		t.Errorf("the first page has %d links to others", n)
	}
}

// numbers: the address holds none, unless numbers are shown.
func (b *lists) numbers(t *testing.T) {
	b.visit(t, "/calls")
	b.click(t, `td[data-name=To] a`)
	b.comes(t, `location.search.includes("of=")`)
	b.reads(t, "Calls of +62")
	if got := eval[int](t, b.browser, `document.querySelectorAll(".list tbody tr").length`); got != calls/4 {
		t.Errorf("%d calls of the number, want %d", got, calls/4)
	}
	if eval[bool](t, b.browser, `document.documentElement.outerHTML.includes("628135111145")`) {
		t.Error("the page shows the number")
	}
	b.shoot(t, "calls-of-a-number")
	b.visit(t, "/calls?numbers=show")
	b.click(t, `td[data-name=To] a`)
	b.comes(t, `location.search.includes("number=")`)
	b.comes(t, fmt.Sprintf(`document.querySelectorAll(".list tbody tr").length === %d`, calls/4))
}

func (b *lists) filters(t *testing.T) {
	b.visit(t, "/calls")
	b.do(t, chromedp.SetValue(chromedp.CSS(`select[name=sink]`), "archive"), chromedp.SetValue(chromedp.CSS(`select[name=state]`), "delivered"))
	b.click(t, `button.main`)
	b.comes(t, `location.search.includes("state=delivered")`)
	b.comes(t, fmt.Sprintf(`document.querySelectorAll(".list tbody tr").length === %d`, calls/4))
	b.reads(t, "crm: dead letter") // the worst comes first
	b.reads(t, "+2")
	b.look(t, 1400, "light")
	defer b.look(t, 1200, "light")
	b.click(t, `td[data-name=Agent] a`)
	b.comes(t, `document.querySelector("details.more").open && location.search.includes("agent=")`)
	b.comes(t, `document.querySelectorAll(".list tbody tr").length === 50`)
	b.visit(t, "/calls?state=waiting")
	b.reads(t, "No call matches")
}

func (b *lists) appears(t *testing.T) {
	b.visit(t, "/calls")
	b.reads(t, "refreshes by itself")
	b.crm.answer.Store(http.StatusOK)
	b.post(callback("777", "callout", nobody))
	b.comes(t, `document.querySelector(".list").innerText.includes("dialer:9513923-777")`)
	b.comes(t, `[...document.querySelectorAll("[data-copy]")].every((e) => !e.hidden)`)
	b.crm.answer.Store(http.StatusUnprocessableEntity)
}

// why goes from any page to the reason. `cdrelay calls show 0813…` says it at once.
func (b *lists) why(t *testing.T) {
	b.visit(t, "/configuration")
	b.click(t, `nav a[href="/calls"]`)
	b.reads(t, "newest first")
	b.do(t, chromedp.SendKeys(chromedp.CSS(`input[name=number]`), "0813 5111 1451\r"))
	b.comes(t, `location.search.includes("number=")`)
	b.click(t, `td[data-name=Call] a`)
	b.reads(t, "Dead letter: Refused by the sink")
	b.reads(t, "422 Unprocessable Entity")
	b.reads(t, "correct the sink's url")
}

func (b *lists) lettersOfNumber(t *testing.T) {
	b.visit(t, "/dead-letters")
	b.do(t, chromedp.SendKeys(chromedp.CSS(`input[name=number]`), "0813 5111 1452\r"))
	b.comes(t, `location.search.includes("number=")`)
	b.comes(t, fmt.Sprintf(`document.querySelectorAll("input[name=id]").length === %d`, calls/4))
	b.reads(t, "ext. 801") // whose call it was
	b.visit(t, "/dead-letters?number=1451&stage=intake")
	b.comes(t, `document.querySelectorAll("input[name=id]").length === 1`) // within a body that is broken
}

// corrects: what still cannot be understood stays in the form, with the reason.
func (b *lists) corrects(t *testing.T) {
	b.visit(t, "/dead-letters/"+b.letterOf(spool.LetterFilter{Stage: spool.StageIntake}))
	b.reads(t, "Its numbers must be shown for that")
	b.click(t, `#edit a.button`)
	b.comes(t, `document.querySelector("textarea")?.value.includes("`+customer+`")`)
	b.do(t, chromedp.SetValue(chromedp.CSS(`textarea`), `{"id":99,"companycode":"9513923","still":wrong}`))
	b.click(t, `#edit button.main`)
	b.reads(t, "It still cannot be taken")
	if got := eval[string](t, b.browser, `document.querySelector("textarea").value`); !strings.Contains(got, `"still":wrong`) {
		t.Errorf("the form has lost what was typed: %s", got)
	}
	for _, look := range []struct {
		width  int64
		scheme string
	}{{1400, "light"}, {1400, "dark"}, {390, "light"}, {390, "dark"}} {
		b.look(t, look.width, look.scheme)
		b.fits(t, "correcting", look.width)
		b.shoot(t, fmt.Sprintf("correct-%d-%s", look.width, look.scheme))
	}
	b.look(t, 1200, "light")
	b.do(t, chromedp.SetValue(chromedp.CSS(`textarea`), callback("99", "callout", nobody)))
	b.click(t, `#edit button.main`)
	b.reads(t, "The callback was understood and taken")
	b.reads(t, "dialer:9513923-99")
}

// replaysGroup: one click on the group, and one that confirms it.
func (b *lists) replaysGroup(t *testing.T) {
	b.until("the corrected one is refused too", func() bool { return b.dead("crm") == calls+1 })
	b.visit(t, "/dead-letters")
	b.click(t, `.head a`)
	b.reads(t, `422 Unprocessable Entity: {"error":"no field phone for #"}`)
	b.crm.answer.Store(http.StatusOK)
	b.click(t, `td.act button`)
	b.reads(t, fmt.Sprintf("Replay %d dead letters?", calls+1))
	b.shoot(t, "replay-a-group")
	b.click(t, `main button.main`)
	b.reads(t, fmt.Sprintf("%d dead letters put back", calls+1))
	b.until("all are delivered", func() bool { return b.dead("crm") == 0 && b.state("dialer:9513923-263056200") == "delivered" })
}
