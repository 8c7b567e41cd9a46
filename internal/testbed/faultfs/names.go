package faultfs

import (
	"slices"
	"syscall"
)

// lookup gives the node of a name, nil where there is none.
func (m *model) lookup(folder *node, name string) (*node, syscall.Errno) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.before(&Op{Kind: Read, Name: name}); err != 0 {
		return nil, err
	}
	n := m.nodes[folder.names[name]]
	if n == nil {
		return nil, syscall.ENOENT
	}
	return n, 0
}

// create makes a file or a folder.
func (m *model) create(folder *node, name string, isFolder bool, mode uint32) (*node, syscall.Errno) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.before(&Op{Kind: Create, Name: name}); err != 0 {
		return nil, err
	}
	if folder.names[name] != 0 {
		return nil, syscall.EEXIST
	}
	m.last++
	n := newNode(m.last, isFolder, mode)
	m.nodes[n.number] = n
	m.bind(move{{folder.number, name, n.number}})
	return n, 0
}

// remove takes a name away; who has the file open keeps it.
func (m *model) remove(folder *node, name string) syscall.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.before(&Op{Kind: Remove, Name: name}); err != 0 {
		return err
	}
	n := m.nodes[folder.names[name]]
	switch {
	case n == nil:
		return syscall.ENOENT
	case len(n.names) > 0:
		return syscall.ENOTEMPTY
	}
	m.bind(move{{folder.number, name, 0}})
	return 0
}

func (m *model) rename(from *node, name string, to *node, newName string) syscall.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.before(&Op{Kind: Rename, Name: name}); err != 0 {
		return err
	}
	n := from.names[name]
	if n == 0 {
		return syscall.ENOENT
	}
	m.bind(move{{from.number, name, 0}, {to.number, newName, n}})
	return 0
}

// bind carries a move out for all who read, and notes it for the fsync of its
// folders.
func (m *model) bind(mv move) {
	for _, b := range mv {
		set(m.nodes[b.folder].names, b)
	}
	m.moves = append(m.moves, mv)
}

func set(names map[string]uint64, b binding) {
	if b.node == 0 {
		delete(names, b.name)
		return
	}
	names[b.name] = b.node
}

// syncFolder makes the names of a folder durable.
func (m *model) syncFolder(folder *node) syscall.Errno {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.before(&Op{Kind: SyncFolder}); err != 0 {
		return err
	}
	m.moves = slices.DeleteFunc(m.moves, func(mv move) bool {
		if !slices.ContainsFunc(mv, func(b binding) bool { return b.folder == folder.number }) {
			return false
		}
		for _, b := range mv {
			set(m.nodes[b.folder].durableNames, b)
		}
		return true
	})
	return 0
}

// entry is a line of a listing.
type entry struct {
	name string
	node *node
}

// list gives the content of a folder, in the order of names.
func (m *model) list(folder *node) ([]entry, syscall.Errno) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.before(&Op{Kind: Read}); err != 0 {
		return nil, err
	}
	var all []entry
	for name, number := range folder.names {
		all = append(all, entry{name, m.nodes[number]})
	}
	slices.SortFunc(all, func(a, b entry) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return all, 0
}
