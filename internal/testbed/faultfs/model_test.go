package faultfs

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// TestEachSectorIsOfSomeMoment does random changes to the model, notes what each
// sector held since the last fsync, and holds the content after a cut against
// that.
func TestEachSectorIsOfSomeMoment(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 1))
		m := newModel(emptyNodes())
		folder := m.nodes[rootNode]
		n, _ := m.create(folder, "a", false, 0o600)
		_ = m.syncFolder(folder) // the model never fails by itself
		h := history{}
		h.synced(n)
		for range rng.IntN(40) {
			h.step(m, n, rng)
		}
		m.mu.Lock()
		m.cut(seed)
		m.mu.Unlock()
		h.check(t, seed, m.survivors[n.number].live)
	}
}

// history is what may be found after a cut.
type history struct {
	sectors map[int]map[string]bool
	sizes   map[int]bool
	writes  uint64
}

func (h *history) synced(n *node) {
	h.sectors, h.sizes = map[int]map[string]bool{}, map[int]bool{}
	h.note(n)
}

// note adds the present state.
func (h *history) note(n *node) {
	h.sizes[len(n.live)] = true
	for i := 0; i*sector < len(n.live); i++ {
		if h.sectors[i] == nil {
			h.sectors[i] = map[string]bool{}
		}
		b := make([]byte, sector)
		copy(b, n.live[i*sector:])
		h.sectors[i][string(b)] = true
	}
}

// step changes the file at random.
func (h *history) step(m *model, n *node, rng *rand.Rand) {
	switch rng.IntN(8) {
	case 0:
		_ = m.sync(n, "a")
		h.synced(n)
	case 1:
		_ = m.truncate(n, "a", int64(rng.IntN(5000)))
		h.note(n)
	default:
		h.writes++
		text := bytes.Repeat(binary.BigEndian.AppendUint64(nil, h.writes), 1+rng.IntN(300))
		_, _ = m.write(n, "a", text, int64(rng.IntN(3000)))
		h.note(n)
	}
}

// check allows zeros in a sector that was lost, and the end of a sector to be
// cut off or zero where the size is that of another moment.
func (h *history) check(t *testing.T, seed uint64, got []byte) {
	t.Helper()
	if !h.sizes[len(got)] {
		t.Fatalf("seed %d: size %d of no moment", seed, len(got))
	}
	for i := 0; i*sector < len(got); i++ {
		b := got[i*sector : min((i+1)*sector, len(got))]
		text := bytes.TrimRight(b, "\x00")
		known := len(text) == 0
		for moment := range h.sectors[i] {
			known = known || moment[:len(text)] == string(text)
		}
		if !known {
			t.Fatalf("seed %d: sector %d is of no moment", seed, i)
		}
	}
}

// TestTheSameSeedTakesTheSameChoices, and another one other choices.
func TestTheSameSeedTakesTheSameChoices(t *testing.T) {
	left := func(seed uint64) string {
		m := newModel(emptyNodes())
		n, _ := m.create(m.nodes[rootNode], "a", false, 0o600)
		_ = m.syncFolder(m.nodes[rootNode])
		for i := range 20 {
			_, _ = m.write(n, "a", bytes.Repeat([]byte{byte(i)}, 5000), int64(i*700))
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.cut(seed)
		return string(m.survivors[n.number].live)
	}
	different := map[string]bool{}
	for seed := range uint64(20) {
		first, again := left(seed), left(seed)
		if first != again {
			t.Errorf("seed %d gives two results", seed)
		}
		different[first] = true
	}
	if len(different) < 10 {
		t.Errorf("20 seeds give %d results", len(different))
	}
}
