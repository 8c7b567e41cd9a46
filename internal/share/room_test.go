package share_test

import (
	"slices"
	"testing"

	"github.com/cdrelay/cdrelay/internal/share"
)

// takeAll takes pieces until the room refuses, and returns how many it got.
func takeAll(r *share.Room[string], user string, piece int64) (n int) {
	for r.Take(user, piece) {
		n++
	}
	return n
}

func TestRoomIsSharedEvenly(t *testing.T) {
	r := share.NewRoom(1200, 10, func(string) {})
	first := takeAll(r, "hangs", 10)
	if first != 60 {
		t.Errorf("one alone took %d pieces of 120, want half", first)
	}
	var others []int
	for _, user := range []string{"a", "b", "c", "d"} {
		others = append(others, takeAll(r, user, 10))
	}
	if least := slices.Min(others); least < 3 || r.Used() > 1200 {
		t.Errorf("beside one that hangs others took %v, %d bytes in all", others, r.Used())
	}
	for range first {
		r.Give("hangs", 10)
	}
	// As things are given back and taken again, all come to the same.
	held := map[string]int{"a": others[0], "b": others[1], "c": others[2], "d": others[3]}
	for range 200 {
		for user := range held {
			r.Give(user, 10)
			held[user]--
			for range 2 {
				if r.Take(user, 10) {
					held[user]++
				}
			}
		}
	}
	for user, n := range held {
		if n < 22 || n > 26 {
			t.Errorf("%s holds %d pieces of 120 beside three others: %v", user, n, held)
		}
	}
}

func TestTheFirstOfEachIsGranted(t *testing.T) {
	r := share.NewRoom(100, 10, func(string) {})
	for _, step := range []struct {
		user string
		take int64
		want bool
	}{
		{"a", 1000, true},  // larger than all the room
		{"a", 1, false},    // but no more beside it
		{"b", 1000, false}, // nor another of that size
		{"b", 10, true},    // small ones always
		{"c", 10, true},
		{"c", 1, false},
	} {
		if got := r.Take(step.user, step.take); got != step.want {
			t.Errorf("%s takes %d: %t, want %t", step.user, step.take, got, step.want)
		}
	}
	r = share.NewRoom(100, 10, func(string) {})
	for i, user := range []string{"a", "b", "c", "d"} {
		if got, want := r.Take(user, 40), i < 3; got != want { // 120 is within half as much again, 160 is not
			t.Errorf("%s takes 40: %t, want %t", user, got, want)
		}
	}
}

func TestWhoWasRefusedIsWoken(t *testing.T) {
	var woken []string
	r := share.NewRoom(100, 10, func(user string) { woken = append(woken, user) })
	for _, user := range []string{"a", "b", "c"} {
		r.Take(user, 80)
	}
	if r.Give("a", 80); !slices.Equal(slices.Sorted(slices.Values(woken)), []string{"b", "c"}) {
		t.Errorf("%v are woken, want b and c", woken)
	}
	woken = nil
	if r.Take("b", 80); !r.Take("a", 10) || r.Used() != 90 {
		t.Errorf("%d bytes are used", r.Used())
	}
	r.Give("b", 80)
	r.Give("a", 10)
	if len(woken) > 0 || r.Used() != 0 {
		t.Errorf("%v are woken although nobody was refused since; %d bytes are used", woken, r.Used())
	}
}
