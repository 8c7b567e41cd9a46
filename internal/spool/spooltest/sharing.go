package spooltest

import (
	"errors"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// small is a bound that a test can fill.
const small = 4 << 20

func shareCases() []testCase {
	return []testCase{
		{"share/a source that fills its share leaves room for others", shareOfCalls},
		{"share/dead letters count, delivered history does not", shareOfLetters},
		{"share/what nobody understands counts", shareOfUndecodable},
	}
}

// large is a call of a source, of some 10 KB.
func large(source, id string) spool.Acceptance {
	a := acceptance(id, "first", "crm")
	a.Record.ID, a.Record.Source = call.NewID(source, id), source
	a.Record.Raw = []byte(`"` + strings.Repeat("x", 10_000) + `"`)
	return a
}

// limited begins again with an empty store of few bytes.
func (r *rig) limited() {
	r.Helper()
	r.check(r.Close(r.Context()))
	r.dir, r.maxBytes = r.TempDir(), small
	r.Store = r.kind.Open(r.T, r.dir, r.maxBytes)
	r.configure("crm", "slack")
}

// fill accepts calls of the source dialer until it is refused.
func (r *rig) fill() (ids []string) {
	r.Helper()
	for len(ids) < 2000 {
		id := strings.Repeat("i", 1+len(ids)%40) + time.Now().Format("150405.000000000")
		_, err := r.Accept(r.Context(), large("dialer", id))
		if errors.Is(err, spool.ErrShare) && errors.Is(err, spool.ErrUnavailable) {
			return ids
		}
		r.check(err)
		ids = append(ids, id)
		r.pass(20 * time.Millisecond)
	}
	r.Fatalf("a source is never refused")
	return nil
}

// refused wants a new call of a source to be refused for its share, or accepted.
func (r *rig) refused(source, id string, want bool) {
	r.Helper()
	_, err := r.Accept(r.Context(), large(source, id))
	if refused := errors.Is(err, spool.ErrShare); refused != want || err != nil && !refused {
		r.Fatalf("a call of %s: %v, want it refused: %v", source, err, want)
	}
}

// settleAll delivers what waits for crm.
func (r *rig) settleAll() {
	r.Helper()
	for ds := r.lease("crm", 50); len(ds) > 0; ds = r.lease("crm", 50) {
		for _, d := range ds {
			r.check(r.Settle(d, nil))
		}
		r.commit()
	}
}

func shareOfCalls(r *rig) {
	r.limited()
	ids := r.fill()
	r.pass(time.Second)
	if used := r.Totals().BytesUsed; used < small/2 || used > small*9/10 || r.Ready() != nil {
		r.Errorf("refused with %d calls and %d bytes of %d in use, ready: %v", len(ids), used, small, r.Ready())
	}
	again, err := r.Accept(r.Context(), large("dialer", ids[0]))
	if err != nil || !again.Duplicate {
		r.Errorf("what is kept already: %+v, %v", again, err)
	}
	r.refused("nxlink", "a", false)
	r.reopen()
	r.refused("dialer", "after a restart", true)
	r.refused("nxlink", "b", false)
	r.crash()
	r.refused("dialer", "after a crash", true)
	r.refused("nxlink", "c", false)
	r.settleAll()
	r.refused("dialer", "after the deliveries", false)
	r.crash()
	if n := len(r.fill()); n < len(ids)*9/10 {
		r.Errorf("%d calls fit after all was delivered, %d at first", n, len(ids))
	}
}

func shareOfLetters(r *rig) {
	r.limited()
	first := len(r.fill())
	for ds := r.lease("crm", 50); len(ds) > 0; ds = r.lease("crm", 50) {
		for _, d := range ds {
			r.check(r.Bury(d, attempt("rejected"), spool.Rejected, "told so"))
		}
		r.commit()
	}
	r.refused("dialer", "beside dead letters", true)
	r.reopen()
	r.refused("dialer", "after a restart", true)
	letters := r.letters(spool.LetterFilter{})
	var ids []string
	for _, l := range letters {
		ids = append(ids, l.ID)
	}
	half := len(ids) / 2
	_, err := r.Purge(r.Context(), ids[:half])
	r.check(err)
	r.refused("dialer", "after a purge", false)
	_, _, err = r.Replay(r.Context(), ids[half:], time.Now(), 0)
	r.check(err)
	r.settleAll()
	if n := len(r.fill()); n < first*8/10 {
		r.Errorf("%d calls fit after the replay was delivered, %d at first", n, first)
	}
	// A delivered call that is sent again waits again.
	r.settleAll()
	r.refused("dialer", "sent", false)
	r.settleAll()
	for range 3 {
		sent, err := r.Resend(r.Context(), spool.Resend{CallIDs: []string{call.NewID("dialer", "sent")}, Sinks: []string{"crm"}})
		r.check(err)
		if sent.Calls != 1 {
			r.Fatalf("sent again to %v", sent)
		}
		r.settleAll()
	}
	r.reopen()
	r.refused("dialer", "at last", false)
}

func shareOfUndecodable(r *rig) {
	r.limited()
	keep := func(source string) error {
		body := time.Now().Format("150405.000000000") + strings.Repeat("?", 10_000)
		err := r.KeepUndecodable(r.Context(), spool.Undecodable{Source: source, Body: []byte(body)})
		r.pass(20 * time.Millisecond)
		return err
	}
	kept, err := 0, error(nil)
	for ; err == nil && kept < 2000; kept++ {
		err = keep("dialer")
	}
	if !errors.Is(err, spool.ErrShare) {
		r.Fatalf("after %d of them: %v", kept, err)
	}
	r.crash()
	if err := keep("dialer"); !errors.Is(err, spool.ErrShare) {
		r.Errorf("after a crash: %v", err)
	}
	r.check(keep("nxlink"))
	r.refused("nxlink", "a", false)
	letters := r.letters(spool.LetterFilter{Stage: spool.StageIntake})
	redeeming := large("dialer", "redeemed")
	redeeming.Letter = letters[len(letters)-1].ID
	if _, err := r.Accept(r.Context(), redeeming); err != nil {
		r.Errorf("what is redeemed: %v", err)
	}
	var ids []string
	for _, l := range letters {
		ids = append(ids, l.ID)
	}
	_, err = r.Purge(r.Context(), ids)
	r.check(err)
	r.check(keep("dialer"))
}
