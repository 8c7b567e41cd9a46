package faultfs

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// Disk is a mounted disk.
type Disk struct {
	folder string

	mu     sync.Mutex // guards everything below
	model  *model
	server *fuse.Server // nil while not mounted
}

// New mounts an empty disk for a test, and takes it away at its end. The test is
// skipped where the machine cannot mount one.
func New(tb testing.TB) *Disk {
	tb.Helper()
	d, err := Mount(tb.TempDir())
	if err != nil {
		tb.Skipf("DID NOT RUN: this test needs root and /dev/fuse, and the disk that can fail cannot be mounted: %v", err)
	}
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Error(err)
		}
	})
	return d
}

// Mount puts an empty disk over a folder.
func Mount(folder string) (*Disk, error) {
	d := &Disk{folder: folder, model: newModel(emptyNodes())}
	return d, d.mount()
}

// Folder is where the disk is mounted.
func (d *Disk) Folder() string { return d.folder }

func (d *Disk) mount() error {
	long := time.Hour // nobody but the kernel changes anything
	// A process that is started now must not inherit the device: it would keep
	// the mount alive, and hang in it, when the test has died.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	server, err := fs.Mount(d.folder, &vnode{model: d.model, node: d.model.nodes[rootNode]}, &fs.Options{
		EntryTimeout: &long, AttrTimeout: &long, NegativeTimeout: &long, NullPermissions: true,
		RootStableAttr: &fs.StableAttr{Ino: rootNode},
		MountOptions: fuse.MountOptions{
			FsName: "faultfs", Name: "faultfs", DirectMountStrict: true, DisableXAttrs: true, MaxWrite: 1 << 17,
		},
	})
	if err != nil {
		return fmt.Errorf("mount %s: %w", d.folder, err)
	}
	d.server = server
	return closeDeviceOnExec()
}

// closeDeviceOnExec does what go-fuse leaves out where it mounts by itself.
func closeDeviceOnExec() error {
	const open = "/proc/self/fd/"
	all, err := os.ReadDir(open)
	if err != nil {
		return err
	}
	for _, e := range all {
		to, err := os.Readlink(open + e.Name())
		fd, nan := strconv.Atoi(e.Name())
		if err == nil && nan == nil && to == "/dev/fuse" {
			syscall.CloseOnExec(fd)
		}
	}
	return nil
}

// Fail lets the faults decide from now on, instead of those before; none heals
// the disk.
func (d *Disk) Fail(faults ...Fault) {
	m := d.current()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.faults = faults
}

// Hang lets syncs of files hang from now on, until the function that it returns is
// called; reads and writes go on.
func (d *Disk) Hang() (release func()) { return d.current().hang() }

// Count gives the number of operations since the disk was mounted that changed
// something or synced.
func (d *Disk) Count() int {
	m := d.current()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.count
}

// Cut ends the power now. Everything gives EIO until Remount.
func (d *Disk) Cut(seed uint64) Survival {
	m := d.current()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dark {
		return Survival{}
	}
	return m.cut(seed)
}

// CutAfter ends the power in place of the n-th operation from now that changes
// something or syncs, on a file whose name matches the pattern of path.Match,
// and then tells what is left. It replaces an earlier one.
func (d *Disk) CutAfter(n int, pattern string, seed uint64) <-chan Survival {
	m := d.current()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.plan = &plan{left: n, pattern: pattern, seed: seed, done: make(chan Survival, 1)}
	return m.plan.done
}

// Remount brings the power back, with what the cut has left and no faults; all
// who had files open must be gone. Without a cut before, everything is synced.
func (d *Disk) Remount() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.unmount(); err != nil {
		return err
	}
	left := d.model.survivors
	if left == nil {
		left = d.model.synced()
	}
	d.model = newModel(left)
	return d.mount()
}

// Close takes the disk away.
func (d *Disk) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.unmount()
}

// unmount asks the kernel, and where somebody still has files open takes the
// name away.
func (d *Disk) unmount() error {
	if d.server == nil {
		return nil
	}
	err := d.server.Unmount()
	if errors.Is(err, syscall.EBUSY) {
		err = syscall.Unmount(d.folder, syscall.MNT_DETACH)
	}
	if err != nil {
		return os.NewSyscallError("umount "+d.folder, err)
	}
	d.server = nil
	return nil
}

func (d *Disk) current() *model {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.model
}

// synced gives all nodes as after a sync of everything.
func (m *model) synced() map[uint64]*node {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, n := range m.nodes {
		n.pending = nil
		n.durable = slices.Clone(n.live)
		n.durableNames = maps.Clone(n.names)
	}
	return m.nodes
}
