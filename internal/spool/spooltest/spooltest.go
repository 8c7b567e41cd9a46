// Package spooltest is the contract of a store between intake and delivery, as
// tests that every implementation runs: Run opens a store in an empty folder
// for each case, works with it as intake, lanes and the private API do, and
// says where it breaks a guarantee of package spool.
//
// It covers acceptance with its duplicates and revisions (accept, undecodable), leases
// and their order (lease, order), what lanes report (report) and remember (remember), lanes that wait for newer revisions (settle), dead letters with replay,
// purge and resend (letter), lanes, pauses and what sinks keep (lanes, pause, kept),
// what operators did (event), listings (listing), a restart, a crash and a closed store (durable), the shares of
// sources (share), the ends of contexts (context), and, of a store that several
// processes may share, the loss of a lease (lost).
//
// It does not cover how a store erases a number, which depends on where it keeps its
// bytes, nor what it does with damaged data or a full disk: those are tests of each
// store.
//
// Each case runs in a bubble of testing/synctest: hours pass at once, so a store
// must take its time from package time. The suite knows nothing of how a store
// keeps its data.
package spooltest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/spool"
)

// Kind is a kind of store: how one is opened, and what it can do besides. What it
// cannot do is nil, and the cases that ask for it are not run.
type Kind struct {
	// Open opens the store that is in the folder, or makes a new one, with a bound on
	// its bytes or 0 for the usual one; Run closes it.
	Open func(t *testing.T, folder string, maxBytes spool.Bytes) spool.Store
	// Crash ends the process that has the store in the folder open, without a word, and
	// returns the folder in which the next one finds it. nil copies the folder as it
	// lies on the disk, which is a crash of a store that keeps all its data there.
	Crash func(t *testing.T, folder string) string
	// Steal returns the lane of a sink to another process that shares the store. nil for
	// a store that one process owns, where no lease can be lost.
	Steal func(t *testing.T, s spool.Store, sink string)
}

// Run runs the contract.
func Run(t *testing.T, kind Kind) {
	t.Helper()
	groups := [][]testCase{
		acceptCases(), leaseCases(), orderCases(), reportCases(), rememberCases(), settleCases(), letterCases(), laneCases(), keptCases(),
		eventCases(), listingCases(), letterListingCases(), durableCases(), shareCases(), contextCases(),
	}
	if kind.Steal != nil {
		groups = append(groups, lostCases())
	}
	for _, group := range groups {
		run(t, kind, group)
	}
}

func run(t *testing.T, kind Kind, group []testCase) {
	t.Helper()
	for _, c := range group {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := &rig{T: t, dir: t.TempDir(), kind: kind}
				r.Store = kind.Open(t, r.dir, 0)
				t.Cleanup(func() { r.check(r.Close(context.WithoutCancel(t.Context()))) })
				r.configure("crm", "slack")
				c.run(r)
			})
		})
	}
}

type testCase struct {
	name string
	run  func(*rig)
}

// rig is an open store with a test around it.
type rig struct {
	*testing.T
	spool.Store
	dir      string
	maxBytes spool.Bytes
	kind     Kind
}

func (r *rig) check(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) configure(sinks ...string) {
	r.Helper()
	var lanes []spool.LaneConfig
	for _, s := range sinks {
		lanes = append(lanes, spool.LaneConfig{Sink: s, GiveUpAfter: time.Hour})
	}
	r.check(r.SetLanes(r.Context(), lanes))
}

// pass lets time go by; what lanes have reported is committed meanwhile.
func (r *rig) pass(d time.Duration) {
	r.Helper()
	time.Sleep(d) //nolint:forbidigo // inside a bubble: takes no time
	synctest.Wait()
}

// commit waits until what lanes have reported is durable.
func (r *rig) commit() {
	r.Helper()
	r.pass(100 * time.Millisecond)
}

// reopen closes the store and opens it again.
func (r *rig) reopen() {
	r.Helper()
	r.check(r.Close(r.Context()))
	r.Store = r.kind.Open(r.T, r.dir, r.maxBytes)
	r.configure("crm", "slack")
}

// crash ends the store without a word, and opens what is left of it.
func (r *rig) crash() {
	r.Helper()
	crash := r.kind.Crash
	if crash == nil {
		crash = copyFolder
	}
	left := crash(r.T, r.dir)
	r.check(r.Close(r.Context()))
	r.dir = left
	r.Store = r.kind.Open(r.T, left, r.maxBytes)
	r.configure("crm", "slack")
}

// copyFolder copies a folder as it is on the disk now.
func copyFolder(t *testing.T, folder string) (copied string) {
	t.Helper()
	copied = t.TempDir()
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path) //nolint:gosec // a folder of this test
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a mark of the store that has gone meanwhile
		}
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(copied, filepath.Base(path)), b, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

// record is a plain call; id is without the source.
func record(id string) *call.Record {
	return &call.Record{
		Schema: call.SchemaID, ID: call.NewID("dialer", id), Source: "dialer", Format: "infin8linx",
		Direction: "inbound", Method: "manual", Outcome: "answered", Answered: true,
		From:       call.Party{Raw: "081234567890", Number: "+6281234567890"},
		To:         call.Party{Raw: "1001", Extension: "1001"},
		ReceivedAt: call.At(time.Now()),
	}
}

// acceptance is a call with content, routed to sinks.
func acceptance(id, content string, sinks ...string) spool.Acceptance {
	var hash call.ContentHash
	copy(hash[:], id+" "+content)
	return spool.Acceptance{Record: record(id), Content: hash, Route: func(*call.Record) ([]string, error) { return sinks, nil }}
}

// accept takes a call with content, routed to sinks.
func (r *rig) accept(id, content string, sinks ...string) spool.Receipt {
	r.Helper()
	receipt, err := r.Accept(r.Context(), acceptance(id, content, sinks...))
	r.check(err)
	return receipt
}

// acceptAll takes calls of one revision for the sink crm.
func (r *rig) acceptAll(ids ...string) {
	r.Helper()
	for _, id := range ids {
		r.accept(id, "first", "crm")
	}
}

func (r *rig) lease(sink string, limit int) []*spool.Delivery {
	r.Helper()
	ds, err := r.Lease(r.Context(), sink, spool.Places{Limit: limit, Doubtful: limit})
	r.check(err)
	return ds
}

// leased leases deliveries for crm.
func (r *rig) leased(want spool.Places) []*spool.Delivery {
	r.Helper()
	ds, err := r.Lease(r.Context(), "crm", want)
	r.check(err)
	return ds
}

// one leases exactly one delivery.
func (r *rig) one(sink string) *spool.Delivery {
	r.Helper()
	ds := r.lease(sink, 1)
	if len(ds) != 1 {
		r.Fatalf("leased %d deliveries of %s, want 1", len(ds), sink)
	}
	return ds[0]
}

// expect compares what was leased, written as in "a b.2 c": ids without the
// source, and revisions above 1.
func (r *rig) expect(ds []*spool.Delivery, want string) {
	r.Helper()
	var got []string
	for _, d := range ds {
		name := strings.TrimPrefix(d.Record.ID, "dialer:")
		if d.Record.Revision > 1 {
			name += fmt.Sprintf(".%d", d.Record.Revision)
		}
		got = append(got, name)
	}
	if g := strings.Join(got, " "); g != want {
		r.Fatalf("leased %q, want %q", g, want)
	}
}

// attempt is one try with a result.
func attempt(result string) []spool.Attempt {
	return []spool.Attempt{{At: time.Now().UTC(), Duration: 20 * time.Millisecond, Status: 500, Result: result, Detail: "detail of " + result}}
}

// bury leases all that waits in crm and buries it, and gives the ids of the dead
// letters in the order of the calls.
func (r *rig) bury() []string {
	r.Helper()
	for _, d := range r.lease("crm", 100) {
		r.check(r.Bury(d, attempt("rejected"), spool.Rejected, "told so"))
	}
	r.commit()
	letters := r.letters(spool.LetterFilter{})
	ids := make([]string, len(letters))
	for i, l := range letters {
		ids[len(letters)-1-i] = l.ID
	}
	return ids
}

// letters lists all dead letters, newest first.
func (r *rig) letters(f spool.LetterFilter) []spool.DeadLetter {
	r.Helper()
	page, next, err := r.SearchLetters(r.Context(), f, 1000, "")
	r.check(err)
	if next != "" {
		r.Fatalf("a second page of dead letters: %q", next)
	}
	return page
}

// status returns the status of a lane, the zero one where it is not listed.
func (r *rig) status(sink string) spool.LaneStatus {
	r.Helper()
	lanes, err := r.Lanes(r.Context())
	r.check(err)
	for _, l := range lanes {
		if l.Sink == sink {
			return l
		}
	}
	return spool.LaneStatus{}
}

// waiting checks the number of waiting deliveries and of dead letters of crm.
func (r *rig) waiting(waiting, dead int64) {
	r.Helper()
	if st := r.status("crm"); st.Waiting != waiting || st.DeadLetters != dead || r.Waiting("crm") != waiting {
		r.Fatalf("crm has %d waiting and %d dead letters, want %d and %d", st.Waiting, st.DeadLetters, waiting, dead)
	}
}
