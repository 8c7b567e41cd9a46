package main

import "testing"

func TestHeapOf(t *testing.T) {
	const mib = 1 << 20
	for limit, want := range map[int64]int64{
		64 * mib:   64 * mib,
		154 * mib:  154 * mib,
		200 * mib:  154 * mib,
		256 * mib:  154 * mib, // three fifths would be 153.6
		1000 * mib: 600 * mib,
	} {
		if got := heapOf(limit); got != want {
			t.Errorf("GOMEMLIMIT of %d MiB: heap of %d bytes, want %d", limit/mib, got, want)
		}
	}
}
