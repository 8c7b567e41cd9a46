package faultfs

import (
	"context"
	"strings"
	"syscall"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// mappedSuffix ends the names of files that may be mapped: SQLite's index of the
// WAL is one.
const mappedSuffix = "-shm"

// vnode is a node as FUSE sees it.
type vnode struct {
	fs.Inode
	model *model
	node  *node
}

// The operations that the kernel may ask for.
var (
	_ fs.NodeLookuper  = (*vnode)(nil)
	_ fs.NodeReaddirer = (*vnode)(nil)
	_ fs.NodeGetattrer = (*vnode)(nil)
	_ fs.NodeSetattrer = (*vnode)(nil)
	_ fs.NodeCreater   = (*vnode)(nil)
	_ fs.NodeMkdirer   = (*vnode)(nil)
	_ fs.NodeOpener    = (*vnode)(nil)
	_ fs.NodeReader    = (*vnode)(nil)
	_ fs.NodeWriter    = (*vnode)(nil)
	_ fs.NodeFsyncer   = (*vnode)(nil)
	_ fs.NodeFlusher   = (*vnode)(nil)
	_ fs.NodeUnlinker  = (*vnode)(nil)
	_ fs.NodeRmdirer   = (*vnode)(nil)
	_ fs.NodeRenamer   = (*vnode)(nil)
	_ fs.NodeStatfser  = (*vnode)(nil)
)

// name is the last part of the path, for the faults.
func (v *vnode) name() string {
	name, _ := v.Parent()
	return name
}

func (v *vnode) child(ctx context.Context, n *node, out *fuse.EntryOut) *fs.Inode {
	v.model.attributes(n, &out.Attr)
	return v.NewInode(ctx, &vnode{model: v.model, node: n}, fs.StableAttr{Mode: n.kind(), Ino: n.number})
}

func (n *node) kind() uint32 {
	if n.folder {
		return syscall.S_IFDIR
	}
	return syscall.S_IFREG
}

// attributes fills in what stat(2) shows.
func (m *model) attributes(n *node, out *fuse.Attr) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out.Mode = n.kind() | n.mode
	out.Size = uint64(len(n.live))
	out.Blocks = (out.Size + sector - 1) / sector
	out.Nlink = 1
	out.SetTimes(&n.modified, &n.modified, &n.modified)
}

func (v *vnode) Lookup(ctx context.Context, name string, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n, err := v.model.lookup(v.node, name)
	if err != 0 {
		return nil, err
	}
	return v.child(ctx, n, out), 0
}

func (v *vnode) Readdir(context.Context) (fs.DirStream, syscall.Errno) {
	all, err := v.model.list(v.node)
	if err != 0 {
		return nil, err
	}
	lines := make([]fuse.DirEntry, len(all))
	for i, e := range all {
		lines[i] = fuse.DirEntry{Name: e.name, Ino: e.node.number, Mode: e.node.kind()}
	}
	return fs.NewListDirStream(lines), 0
}

func (v *vnode) Getattr(_ context.Context, _ fs.FileHandle, out *fuse.AttrOut) syscall.Errno {
	v.model.attributes(v.node, &out.Attr)
	return 0
}

func (v *vnode) Setattr(_ context.Context, _ fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	if size, ok := in.GetSize(); ok {
		if err := v.model.truncate(v.node, v.name(), int64(size)); err != 0 { //nolint:gosec // far below 2^63
			return err
		}
	}
	if mode, ok := in.GetMode(); ok {
		v.model.mu.Lock()
		v.node.mode = mode & 0o7777
		v.model.mu.Unlock()
	}
	v.model.attributes(v.node, &out.Attr)
	return 0
}

func (v *vnode) Create(ctx context.Context, name string, _ uint32, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	n, err := v.model.create(v.node, name, false, mode)
	if err != 0 {
		return nil, nil, 0, err
	}
	return v.child(ctx, n, out), nil, caching(name), 0
}

func (v *vnode) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	n, err := v.model.create(v.node, name, true, mode)
	if err != 0 {
		return nil, err
	}
	return v.child(ctx, n, out), 0
}

func (v *vnode) Open(_ context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	op := &Op{Kind: Read, Name: v.name()}
	if flags&syscall.O_ACCMODE != syscall.O_RDONLY {
		op.Kind = Open
	}
	v.model.mu.Lock()
	defer v.model.mu.Unlock()
	return nil, caching(v.name()), v.model.before(op)
}

// caching keeps the kernel's cache out of the way: FUSE copies a write into it
// before the disk has taken it, and for a moment shows what failed. A file that
// is mapped needs it.
func caching(name string) uint32 {
	if strings.HasSuffix(name, mappedSuffix) {
		return fuse.FOPEN_KEEP_CACHE
	}
	return fuse.FOPEN_DIRECT_IO
}

func (v *vnode) Read(_ context.Context, _ fs.FileHandle, dest []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	n, err := v.model.read(v.node, dest, off)
	return fuse.ReadResultData(dest[:n]), err
}

func (v *vnode) Write(_ context.Context, _ fs.FileHandle, data []byte, off int64) (uint32, syscall.Errno) {
	n, err := v.model.write(v.node, v.name(), data, off)
	return uint32(n), err //nolint:gosec // at most MaxWrite
}

func (v *vnode) Fsync(context.Context, fs.FileHandle, uint32) syscall.Errno {
	if v.node.folder {
		return v.model.syncFolder(v.node)
	}
	v.model.answers()
	return v.model.sync(v.node, v.name())
}

// Flush is asked at each close and does nothing: close promises no more.
func (v *vnode) Flush(context.Context, fs.FileHandle) syscall.Errno { return 0 }

func (v *vnode) Unlink(_ context.Context, name string) syscall.Errno {
	return v.model.remove(v.node, name)
}

func (v *vnode) Rmdir(_ context.Context, name string) syscall.Errno {
	return v.model.remove(v.node, name)
}

func (v *vnode) Rename(_ context.Context, name string, to fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	folder, ok := to.(*vnode)
	if !ok || flags != 0 { // no exchange
		return syscall.EINVAL
	}
	return v.model.rename(v.node, name, folder.node, newName)
}

// Statfs shows a disk with some room, whatever the faults say.
func (v *vnode) Statfs(_ context.Context, out *fuse.StatfsOut) syscall.Errno {
	out.Bsize, out.Frsize, out.NameLen = 4096, 4096, 255
	out.Blocks, out.Bfree, out.Bavail = 1<<20, 1<<19, 1<<19
	return 0
}
