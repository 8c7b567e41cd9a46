package faultfs

import (
	"math/rand/v2"
	"path"
	"slices"
	"sync"
	"syscall"
	"time"
)

// sector is what a disk writes whole.
const sector = 512

// rootNode is the number of the uppermost folder.
const rootNode = 1

// model is the disk without FUSE.
type model struct {
	mu     sync.Mutex // guards everything below
	nodes  map[uint64]*node
	last   uint64 // number of the newest node
	moves  []move // changes of names that are not durable, in their order
	faults []Fault
	hangs  chan struct{} // closed when syncs go on; nil while they do not hang
	count  int           // operations that changed something
	plan   *plan         // of a cut, nil for none
	// dark says that power was cut; survivors is what the next mount begins with.
	dark      bool
	survivors map[uint64]*node
}

// plan is a cut that waits for its operation.
type plan struct {
	left    int // operations until then
	pattern string
	seed    uint64
	done    chan Survival
}

// due counts an operation.
func (p *plan) due(op *Op) bool {
	if p == nil {
		return false
	}
	if ok, err := path.Match(p.pattern, op.Name); ok && err == nil {
		p.left--
	}
	return p.left == 0
}

// node is a file or a folder.
type node struct {
	number   uint64
	folder   bool
	mode     uint32
	modified time.Time
	// Of a file: what is read, what is durable, and the changes since the fsync.
	live, durable []byte
	pending       []change
	// Of a folder: what is read, and what is durable.
	names, durableNames map[string]uint64
}

// change is one unsynced write or truncation. A write holds whole sectors as
// they were after it.
type change struct {
	at   int64
	data []byte
	size int64 // of the file after it
	cut  bool  // a truncation to size
}

// move is a change of names that survives whole or not at all.
type move []binding

// binding gives a name in a folder to a node, or to none (0).
type binding struct {
	folder uint64
	name   string
	node   uint64
}

func newModel(nodes map[uint64]*node) *model {
	m := &model{nodes: nodes}
	for n := range nodes {
		m.last = max(m.last, n)
	}
	return m
}

func emptyNodes() map[uint64]*node {
	return map[uint64]*node{rootNode: newNode(rootNode, true, 0o700)}
}

func newNode(number uint64, folder bool, mode uint32) *node {
	n := &node{number: number, folder: folder, mode: mode & 0o7777, modified: time.Now()}
	if folder {
		n.names, n.durableNames = map[string]uint64{}, map[string]uint64{}
	}
	return n
}

// before is called with mu held at the start of each operation: it cuts power
// when that is due, and asks the faults.
func (m *model) before(op *Op) syscall.Errno {
	if m.dark {
		return syscall.EIO
	}
	if op.changes() {
		m.count++
		if m.plan.due(op) {
			m.plan.done <- m.cut(m.plan.seed)
			return syscall.EIO
		}
	}
	for _, f := range m.faults {
		if err := f(op); err != 0 {
			return err
		}
	}
	return 0
}

func (m *model) read(n *node, to []byte, at int64) (int, syscall.Errno) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.before(&Op{Kind: Read}); err != 0 {
		return 0, err
	}
	if at >= int64(len(n.live)) {
		return 0, 0
	}
	return copy(to, n.live[at:]), 0
}

func (m *model) write(n *node, name string, data []byte, at int64) (int, syscall.Errno) {
	m.mu.Lock()
	defer m.mu.Unlock()
	size := int64(len(n.live))
	op := &Op{Kind: Write, Name: name, Len: int64(len(data)), Grow: max(0, at+int64(len(data))-size)}
	if err := m.before(op); err != 0 {
		return 0, err
	}
	data = data[:op.Len]
	n.resize(max(size, at+op.Len))
	copy(n.live[at:], data)
	n.modified = time.Now()
	from := at / sector * sector
	to := min((at+op.Len+sector-1)/sector*sector, int64(len(n.live)))
	n.pending = append(n.pending, change{at: from, data: slices.Clone(n.live[from:to]), size: int64(len(n.live))})
	return len(data), 0
}

func (m *model) truncate(n *node, name string, size int64) syscall.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.before(&Op{Kind: Truncate, Name: name, Grow: size - int64(len(n.live))}); err != 0 {
		return err
	}
	n.resize(size)
	n.modified = time.Now()
	n.pending = append(n.pending, change{size: size, cut: true})
	return 0
}

func (n *node) resize(size int64) { n.live = resized(n.live, size) }

// resized cuts b, or fills it up with zeros.
func resized(b []byte, size int64) []byte {
	if size <= int64(len(b)) {
		return b[:size]
	}
	old := len(b)
	b = slices.Grow(b, int(size)-old)[:size]
	clear(b[old:])
	return b
}

// hang lets syncs of files wait until the function that it returns is called.
func (m *model) hang() (release func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	hangs := make(chan struct{})
	m.hangs = hangs
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.hangs == hangs {
			close(hangs)
			m.hangs = nil
		}
	}
}

// answers waits while syncs hang.
func (m *model) answers() {
	m.mu.Lock()
	hangs := m.hangs
	m.mu.Unlock()
	if hangs != nil {
		<-hangs
	}
}

// sync makes the changes of a file durable. When it fails they are lost, and
// still read.
func (m *model) sync(n *node, name string) syscall.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := m.before(&Op{Kind: Sync, Name: name})
	if err == 0 {
		for _, c := range n.pending {
			n.durable = c.applied(n.durable)
		}
		n.durable = resized(n.durable, int64(len(n.live)))
	}
	if !m.dark && err != syscall.EROFS {
		n.pending = nil
	}
	return err
}

// applied gives the image with the whole change in it.
func (c *change) applied(image []byte) []byte {
	image = resized(image, c.size)
	copy(image[c.at:], c.data)
	return image
}

// cut ends the power, with mu held.
func (m *model) cut(seed uint64) Survival {
	rng := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // choices that a seed repeats
	m.dark = true
	var s Survival
	m.survivors, s = m.survive(rng)
	return s
}
