package phone

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// TestMemoKeepsNoCallback: a number is a piece of its callback's text, which may
// have 1 MiB; to remember the number must not keep the rest.
func TestMemoKeepsNoCallback(t *testing.T) {
	const bodies, size = 64, 1 << 20
	before := heap()
	for i := range bodies {
		body := fmt.Sprintf("0812%08d", i) + strings.Repeat(" ", size)
		for _, text := range []string{body[:12], "+" + body[:12]} {
			Read(text, Reading{National: true, Region: "ID"})
		}
	}
	if grown := heap() - before; grown > bodies*size/4 {
		t.Errorf("%d MiB are kept of %d callbacks of 1 MiB", grown>>20, bodies)
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
