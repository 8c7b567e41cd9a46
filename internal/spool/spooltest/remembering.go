package spooltest

import (
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func rememberCases() []testCase {
	return []testCase{
		{"remember/with each report", rememberedByEachReport},
		{"remember/what is released is forgotten", releasedForgets},
		{"remember/later revisions see it, and no other lane or call", rememberedByRevisions},
		{"remember/a replay and a resend see it", rememberedByReplays},
		{"remember/expiry keeps it", rememberedByExpiry},
		{"remember/a purge keeps it for later revisions and a resend", rememberedByPurge},
		{"remember/over a restart and a crash", rememberedDurably},
	}
}

// keeps notes that an attempt kept something, beside what was kept before.
func keeps(d *spool.Delivery, name, value string) *spool.Delivery {
	all := map[string]string{name: value}
	for k, v := range d.Remembered {
		if k != name {
			all[k] = v
		}
	}
	d.Remembered = all
	return d
}

func (r *rig) remembers(d *spool.Delivery, want map[string]string) {
	r.Helper()
	if diff := cmp.Diff(want, d.Remembered); diff != "" {
		r.Errorf("%s revision %d remembers (-want +got):\n%s", d.Record.ID, d.Record.Revision, diff)
	}
}

func rememberedByEachReport(r *rig) {
	r.acceptAll("a")
	d := r.one("crm")
	r.remembers(d, nil)
	r.check(r.Postpone(keeps(d, "one", "1"), attempt("paused"), time.Now()))
	r.commit()
	d = r.one("crm")
	r.remembers(d, map[string]string{"one": "1"})
	r.check(r.Retry(keeps(d, "two", "2"), attempt("unwell"), time.Now(), spool.History{Spent: 1}))
	r.commit()
	d = r.one("crm")
	r.remembers(d, map[string]string{"one": "1", "two": "2"})
	r.check(r.Retry(keeps(d, "two", "3"), attempt("unwell"), time.Now(), spool.History{Spent: 2}))
	r.commit()
	d = r.one("crm")
	r.remembers(d, map[string]string{"one": "1", "two": "3"})
	r.check(r.Bury(keeps(d, "four", "4"), attempt("rejected"), spool.Rejected, "no"))
	r.commit()
	want := map[string]string{"one": "1", "two": "3", "four": "4"}
	if diff := cmp.Diff(want, r.detail().Remembered); diff != "" {
		r.Errorf("the call shows (-want +got):\n%s", diff)
	}
	letter, err := r.DeadLetter(r.Context(), r.letters(spool.LetterFilter{})[0].ID)
	r.check(err)
	if diff := cmp.Diff(want, letter.Remembered); diff != "" {
		r.Errorf("the dead letter shows (-want +got):\n%s", diff)
	}
}

func releasedForgets(r *rig) {
	r.acceptAll("a")
	r.Release(keeps(r.one("crm"), "one", "1"))
	r.commit()
	r.check(r.Settle(r.one("crm"), attempt("delivered")))
	r.commit()
	if got := r.detail().Remembered; got != nil {
		r.Errorf("the call shows %v", got)
	}
}

func rememberedByRevisions(r *rig) {
	r.accept("a", "one", "crm", "slack")
	d := r.one("crm")
	r.accept("a", "two", "crm", "slack") // while the first is on its way
	r.accept("b", "one", "crm")
	r.check(r.Settle(keeps(d, "create", "7"), attempt("delivered")))
	r.commit()
	for _, d := range r.lease("crm", 2) {
		if d.Record.ID == "dialer:b" {
			r.remembers(d, nil)
			continue
		}
		r.remembers(d, map[string]string{"create": "7"})
		r.check(r.Settle(d, attempt("delivered")))
	}
	r.commit()
	r.accept("a", "three", "crm")
	r.remembers(r.one("crm"), map[string]string{"create": "7"})
	r.check(r.Settle(r.one("slack"), attempt("delivered")))
	r.commit()
	r.remembers(r.one("slack"), nil)
}

func rememberedByReplays(r *rig) {
	r.acceptAll("a")
	r.check(r.Bury(keeps(r.one("crm"), "create", "7"), attempt("rejected"), spool.Rejected, "no"))
	r.commit()
	r.replay([]string{r.letters(spool.LetterFilter{})[0].ID})
	d := r.one("crm")
	r.remembers(d, map[string]string{"create": "7"})
	r.check(r.Settle(d, attempt("delivered")))
	r.commit()
	_, err := r.Resend(r.Context(), spool.Resend{CallIDs: []string{"dialer:a"}, Sinks: []string{"crm"}})
	r.check(err)
	r.remembers(r.one("crm"), map[string]string{"create": "7"})
}

func rememberedByExpiry(r *rig) {
	r.acceptAll("a")
	r.check(r.Postpone(keeps(r.one("crm"), "create", "7"), attempt("paused"), time.Now().Add(time.Hour)))
	r.commit()
	r.pass(time.Minute)
	if _, err := r.Expire(r.Context(), "crm", time.Now(), spool.Expired, "old", 10); err != nil {
		r.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"create": "7"}, r.detail().Remembered); diff != "" {
		r.Errorf("the call shows (-want +got):\n%s", diff)
	}
}

func rememberedByPurge(r *rig) {
	want := map[string]string{"create": "7"}
	r.acceptAll("a")
	r.check(r.Bury(keeps(r.one("crm"), "create", "7"), attempt("rejected"), spool.Rejected, "no"))
	r.commit()
	_, err := r.Purge(r.Context(), []string{r.letters(spool.LetterFilter{})[0].ID})
	r.check(err)
	r.waiting(0, 0)
	r.wantStates("purged")
	_, err = r.Resend(r.Context(), spool.Resend{CallIDs: []string{"dialer:a"}, Sinks: []string{"crm"}})
	r.check(err)
	d := r.one("crm")
	r.remembers(d, want)
	r.check(r.Bury(d, attempt("rejected"), spool.Rejected, "no"))
	r.commit()
	_, err = r.Purge(r.Context(), []string{r.letters(spool.LetterFilter{})[0].ID})
	r.check(err)
	r.accept("a", "two", "crm")
	r.remembers(r.one("crm"), want)
}

func rememberedDurably(r *rig) {
	r.acceptAll("a")
	r.check(r.Postpone(keeps(r.one("crm"), "create", "7"), attempt("paused"), time.Now()))
	r.commit()
	r.crash()
	d := r.one("crm")
	r.remembers(d, map[string]string{"create": "7"})
	r.check(r.Postpone(keeps(d, "link", "8"), attempt("paused"), time.Now()))
	r.reopen()
	r.remembers(r.one("crm"), map[string]string{"create": "7", "link": "8"})
}
