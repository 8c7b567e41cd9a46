package faultfs

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// Survival tells what a cut left of what was not synced.
type Survival struct {
	// Changes counts the unsynced writes and truncations; of them some were kept
	// whole, some in part, the others were lost.
	Changes, Kept, Torn int
	// Files names those with unsynced changes, each with a blank before it.
	Files string
	// Moves counts the changes of names that were not synced, KeptMoves those
	// that survived.
	Moves, KeptMoves int
}

// String is for the log of a test.
func (s Survival) String() string {
	return fmt.Sprintf("%d unsynced changes (%d kept, %d torn, %d lost)%s, %d unsynced names (%d kept)",
		s.Changes, s.Kept, s.Torn, s.Changes-s.Kept-s.Torn, strings.Replace(s.Files, " ", " of ", 1), s.Moves, s.KeptMoves)
}

// survive gives the nodes that can be reached after a cut.
func (m *model) survive(rng *rand.Rand) (map[uint64]*node, Survival) {
	s := Survival{Moves: len(m.moves)}
	s.KeptMoves = rng.IntN(len(m.moves) + 1)
	for _, mv := range m.moves[:s.KeptMoves] {
		for _, b := range mv {
			set(m.nodes[b.folder].durableNames, b)
		}
	}
	left := map[uint64]*node{}
	m.reach(rng, rootNode, left, &s)
	return left, s
}

// reach copies a node and what is below it.
func (m *model) reach(rng *rand.Rand, number uint64, left map[uint64]*node, s *Survival) {
	was := m.nodes[number]
	n := newNode(number, was.folder, was.mode)
	n.modified = was.modified
	left[number] = n
	if !was.folder {
		n.durable = surviving(rng, was, s)
		n.live = slices.Clone(n.durable)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(was.durableNames)) {
		below := was.durableNames[name]
		n.names[name], n.durableNames[name] = below, below
		if len(m.nodes[below].pending) > 0 {
			s.Files += " " + name
		}
		m.reach(rng, below, left, s)
	}
}

// luck decides about the changes of one file.
type luck struct {
	rng *rand.Rand
	// whole is the share of changes that are decided as a whole, kept the share
	// of changes and sectors that survive.
	whole, kept float64
}

// draw gives one of the ways in which a write-back can be caught: not begun, all
// but ended, or anything between.
func draw(rng *rand.Rand) luck {
	switch rng.IntN(6) {
	case 0:
		return luck{rng, 1, 0}
	case 1:
		return luck{rng, 1, 1}
	default:
		return luck{rng, rng.Float64(), rng.Float64()}
	}
}

// sectors gives those of a change that survive.
func (l luck) sectors(n int) []bool {
	kept := make([]bool, n)
	whole, all := l.rng.Float64() < l.whole, l.rng.Float64() < l.kept
	for i := range kept {
		kept[i] = all && whole || !whole && l.rng.Float64() < l.kept
	}
	return kept
}

// surviving gives the content of a file after a cut.
func surviving(rng *rand.Rand, n *node, s *Survival) []byte {
	image := slices.Clone(n.durable)
	if len(n.pending) == 0 {
		return image
	}
	// The sizes of the first changes survive, and the truncations among them.
	sizes := rng.IntN(len(n.pending) + 1)
	if rng.IntN(4) == 0 {
		sizes = len(n.pending)
	}
	l := draw(rng)
	limit := int64(1) << 62
	for i, c := range n.pending {
		s.Changes++
		if i < sizes {
			image = resized(image, c.size)
		} else if c.cut {
			limit = min(limit, c.size)
		}
		if c.cut {
			if i < sizes {
				s.Kept++
			}
			continue
		}
		kept, all := c.keep(image, limit, l)
		switch {
		case kept == all:
			s.Kept++
		case kept > 0:
			s.Torn++
		}
	}
	return image
}

// keep writes the sectors of a change that survive into the image, each whole:
// beyond the end of the file it has zeros.
func (c *change) keep(image []byte, limit int64, l luck) (kept, all int) {
	all = (len(c.data) + sector - 1) / sector
	for i, survives := range l.sectors(all) {
		from := i * sector
		at := c.at + int64(from)
		if !survives || at >= min(limit, int64(len(image))) {
			continue
		}
		var whole [sector]byte
		copy(whole[:], c.data[from:])
		copy(image[at:], whole[:])
		kept++
	}
	return kept, all
}
