package repair

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/cdrelay/cdrelay/internal/spool/dbfile"
)

// FuzzReadWAL: what is read of a WAL never points outside it, and what SQLite
// reads is never more than what is there.
func FuzzReadWAL(f *testing.F) {
	whole := walHeader(binary.LittleEndian, 7, [8]byte{1, 2, 3})
	m := walMender{out: &bytes.Buffer{}, salts: [8]byte{1, 2, 3}, sum: walSum{}.add(binary.LittleEndian, whole[:24])}
	for i := range uint32(3) {
		var out bytes.Buffer
		m.out = &out
		if err := m.frame(i+1, i+1, make([]byte, dbfile.PageSize)); err != nil {
			f.Fatal(err)
		}
		whole = append(whole, out.Bytes()...)
	}
	f.Add(whole, 0, 0)
	f.Add(whole, 5, 2)
	f.Add(whole[:len(whole)-100], 3, 3)
	f.Add([]byte("short"), 1, 0)
	f.Fuzz(func(t *testing.T, b []byte, synced, moved int) {
		w := &wal{}
		if err := w.readFrames(bytes.NewReader(b)); err != nil {
			t.Fatal(err)
		}
		w.judge()
		if w.read > len(w.frames) || w.synced > len(w.frames) {
			t.Errorf("%d read and %d synced of %d frames", w.read, w.synced, len(w.frames))
		}
		if synced > w.synced && moved >= 0 && moved <= synced { // as an index would say
			w.synced, w.moved = synced, moved
		}
		last := w.moved - 1
		take, _ := w.usable()
		for _, i := range take {
			if i <= last || i >= len(w.frames) || !w.frames[i].fits {
				t.Fatalf("frame %d is taken of %d", i, len(w.frames))
			}
			last = i
		}
		_ = w.damage()
	})
}
