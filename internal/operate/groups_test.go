package operate_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/operate"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// manyLetters is a store with n dead letters, each of its own call; the answers are of
// so many kinds. Each page takes its time.
type manyLetters struct {
	operate.Store
	n, kinds int
	takes    time.Duration
}

func (m manyLetters) SearchLetters(_ context.Context, _ spool.LetterFilter, limit int, cursor string) (page []spool.DeadLetter, next string, err error) {
	if m.takes > 0 {
		time.Sleep(m.takes)
	}
	at := 0
	if cursor != "" {
		if _, err := fmt.Sscan(cursor, &at); err != nil {
			return nil, "", err
		}
	}
	for ; at < m.n && len(page) < limit; at++ {
		page = append(page, spool.DeadLetter{
			ID: fmt.Sprint("id", at), Stage: spool.StageDelivery, Sink: "crm", Reason: spool.Rejected, CreatedAt: madeAt(at),
			Detail: fmt.Sprintf(`422 Unprocessable Entity: {"error":"%s","contact":%d}`, word(at%m.kinds), at),
		})
	}
	if at < m.n {
		next = fmt.Sprint(at)
	}
	return page, next, nil
}

// word writes a number without digits.
func word(n int) string {
	return strings.Map(func(c rune) rune { return c - '0' + 'a' }, strconv.Itoa(n))
}

// madeAt: the newest come first.
func madeAt(i int) call.Time {
	return call.At(time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC).Add(-time.Duration(i) * time.Second))
}

// groupAll adds up the pages of groups, as clients do.
func groupAll(tb testing.TB, o *operate.Operator) (groups []operate.LetterGroup, pages int) {
	tb.Helper()
	var sum operate.LetterGroups
	for cursor := ""; ; {
		page, err := o.Groups(tb.Context(), operate.LetterFilter{}, cursor)
		if err != nil {
			tb.Fatal(err)
		}
		for _, g := range page.Items {
			sum.Add(g)
		}
		pages++
		if cursor = page.NextCursor; cursor == "" {
			return sum.All(), pages
		}
	}
}

// TestGroupsOfWhatTheAnswerSaid: numbers and ids make no groups, and the filter of a
// group selects it.
func TestGroupsOfWhatTheAnswerSaid(t *testing.T) {
	r := newRig(t)
	for i, id := range []string{"a", "b", "c"} {
		r.buryAs(id, fmt.Sprintf(`422 Unprocessable Entity: {"error":"contact %d is gone"}`, 17*i))
	}
	r.buryAs("d", "400 Bad Request")
	r.keep("one", "two")
	groups, _ := groupAll(t, r.operator())
	var got []string
	for _, g := range groups {
		got = append(got, fmt.Sprintf("%d %s%s %s", g.Count, g.Sink, g.Source, g.Answer))
		if g.Filter == nil {
			t.Fatalf("%+v has no filter", g)
		}
		listed, err := r.operator().Letters(t.Context(), *g.Filter, 100, "")
		if err != nil || len(listed.Items) != g.Count || listed.Items[0].ID != g.Example || !listed.Items[0].CreatedAt.Equal(g.NewestAt.Time) ||
			!listed.Items[g.Count-1].CreatedAt.Equal(g.OldestAt.Time) {
			t.Errorf("%+v selects %+v %v", g, listed.Items, err)
		}
	}
	if want := `[3 crm 422 Unprocessable Entity: {"error":"contact # is gone"} 2 dialer not JSON 1 crm 400 Bad Request]`; fmt.Sprint(got) != want {
		t.Errorf("groups\n%v, want\n%s", got, want)
	}
	done, err := r.operator().Replay(t.Context(), operate.Replay{Selection: operate.Selection{Filter: groups[0].Filter}})
	if err != nil || done.Replayed != 3 || done.Matched != 3 {
		t.Errorf("replayed %+v %v", done, err)
	}
}

// TestLettersSayWhoseCallItWas, and those of callbacks that were not understood nothing.
func TestLettersSayWhoseCallItWas(t *testing.T) {
	r := newRig(t)
	r.bury("a")
	r.keep("one")
	page, err := r.operator().Letters(t.Context(), operate.LetterFilter{}, 10, "")
	if err != nil || len(page.Items) != 2 || page.Items[0].Call != nil {
		t.Fatalf("%+v %v", page, err)
	}
	c := page.Items[1].Call
	if c == nil || c.Agent.Name != "Budi" || c.Outside().Number != "+6281351111451" || c.StartedAt.IsZero() {
		t.Errorf("%+v", c)
	}
}

// TestAPageOfGroupsHasItsTime, and the pages add up.
func TestAPageOfGroupsHasItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, deps: operate.Deps{Store: manyLetters{n: 30_000, kinds: 3, takes: 10 * time.Millisecond}, Log: quiet()}}
		begun := time.Now()
		page, err := r.operator().Groups(t.Context(), operate.LetterFilter{}, "")
		if took := time.Since(begun); err != nil || took != 100*time.Millisecond {
			t.Errorf("a page takes %v, %v", took, err)
		}
		if !page.ReachedAt.Equal(madeAt(4999).Time) || page.NextCursor != "5000" {
			t.Errorf("reached %v, goes on at %q", page.ReachedAt, page.NextCursor)
		}
		groups, pages := groupAll(t, r.operator())
		if len(groups) != 3 || pages != 6 || groups[0].Count != 10_000 || !groups[0].NewestAt.Equal(madeAt(0).Time) || !groups[0].OldestAt.Equal(madeAt(29_997).Time) {
			t.Errorf("%d pages: %+v", pages, groups)
		}
	})
}

// TestGroupsAreBounded: an answer for each call does not make a group for each call.
func TestGroupsAreBounded(t *testing.T) {
	r := &rig{t: t, deps: operate.Deps{Store: manyLetters{n: 10_000, kinds: 1000}, Log: quiet()}}
	groups, _ := groupAll(t, r.operator())
	total := 0
	for _, g := range groups {
		total += g.Count
	}
	if rest := groups[0]; len(groups) > 201 || total != 10_000 || rest.Answer != "" || rest.Filter != nil || rest.Example == "" {
		t.Errorf("%d groups of %d dead letters; the largest is %+v", len(groups), total, groups[0])
	}
}

// BenchmarkGroups groups 1,000,000 dead letters; MB is what is in memory at the end.
func BenchmarkGroups(b *testing.B) {
	for _, kinds := range []int{10, 1000} {
		b.Run(fmt.Sprint(kinds, " answers"), func(b *testing.B) {
			o := operate.New("test", operate.Deps{Store: manyLetters{n: 1_000_000, kinds: kinds}, Log: quiet()})
			for b.Loop() {
				groups, pages := groupAll(b, o)
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB")
				b.ReportMetric(float64(pages), "pages")
				b.ReportMetric(float64(len(groups)), "groups")
			}
		})
	}
}
