package spooltest

import (
	"errors"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

func keptCases() []testCase {
	return []testCase{
		{"kept/each sink's own, replaced, removed", keptReplaced},
		{"kept/outlives a crash", keptDurable},
		{"kept/of an unknown sink", keptUnknown},
		{"kept/erased when its sink is gone for good, not before", keptUntilGone},
	}
}

// keeps keeps a value; "" removes it.
func (r *rig) keeps(sink, name, value string) {
	r.Helper()
	var b []byte
	if value != "" {
		b = []byte(value)
	}
	r.check(r.Keep(r.Context(), sink, name, b))
}

func (r *rig) kept(sink, name, want string) {
	r.Helper()
	got, err := r.Kept(r.Context(), sink, name)
	r.check(err)
	if string(got) != want || (got == nil) != (want == "") {
		r.Errorf("%s of %s: %q, want %q", name, sink, got, want)
	}
}

func keptReplaced(r *rig) {
	r.kept("crm", "token", "")
	r.keeps("crm", "token", "one")
	r.keeps("crm", "other", "else")
	r.keeps("slack", "token", "slack's")
	r.keeps("crm", "token", "two")
	r.kept("crm", "token", "two")
	r.kept("crm", "other", "else")
	r.kept("slack", "token", "slack's")
	r.keeps("crm", "token", "")
	r.kept("crm", "token", "")
	r.kept("crm", "other", "else")
}

func keptDurable(r *rig) {
	r.keeps("crm", "token", "one")
	r.crash()
	r.kept("crm", "token", "one")
	r.keeps("crm", "token", "two")
	r.reopen()
	r.kept("crm", "token", "two")
}

func keptUnknown(r *rig) {
	if err := r.Keep(r.Context(), "nobody", "token", []byte("x")); !errors.Is(err, spool.ErrNotFound) {
		r.Errorf("kept for a sink that nobody knows: %v", err)
	}
	r.kept("nobody", "token", "")
}

// keptUntilGone: a sink that is taken out by mistake finds its value again; its
// give_up_after is an hour.
func keptUntilGone(r *rig) {
	r.keeps("crm", "token", "one")
	r.keeps("slack", "token", "slack's")
	r.configure("slack")
	r.pass(50 * time.Minute)
	r.configure("crm", "slack")
	r.kept("crm", "token", "one")
	r.pass(3 * time.Hour)
	r.kept("crm", "token", "one")
	r.configure("slack")
	r.pass(62 * time.Minute)
	r.configure("crm", "slack")
	r.kept("crm", "token", "")
	r.kept("slack", "token", "slack's")
}
