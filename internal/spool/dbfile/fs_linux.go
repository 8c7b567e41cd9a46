package dbfile

import (
	"fmt"
	"os"
	"syscall"
)

// RefuseNetworkFS refuses file systems on which SQLite's locks and syncs do not
// hold. The magic numbers are those of statfs(2).
func RefuseNetworkFS(folder string) error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(folder, &st); err != nil {
		return fmt.Errorf("spool folder %s: %w", folder, err)
	}
	name, ok := map[uint32]string{
		0x6969: "NFS", 0x517b: "SMB", 0xff534d42: "CIFS", 0xfe534d42: "SMB2",
		0x5346414f: "AFS", 0x0bd00bd0: "Lustre", 0x47504653: "GPFS", 0x6b414653: "AFS",
	}[uint32(st.Type)] //nolint:gosec // the magic numbers are 32 bits wide
	if ok {
		return fmt.Errorf("spool folder %s is on %s, a network file system whose locks and syncs cannot be trusted: put spool.path on a local disk or a block volume", folder, name)
	}
	return nil
}

// Space returns the size of the folder's file system, and the room left on it for this
// user.
func Space(folder string) (total, free int64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(folder, &st); err != nil {
		return 0, 0, err
	}
	return int64(st.Blocks) * st.Bsize, int64(st.Bavail) * st.Bsize, nil //nolint:gosec // far below 2^63
}

// lockDatabase takes the lock of a descriptor of the database: see guard.
func lockDatabase(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// Allocate returns a file blocks of its own.
func Allocate(f *os.File, size int64) error { return syscall.Fallocate(int(f.Fd()), 0, 0, size) }

// inMemory reports whether the folder's file system is gone with the power.
func inMemory(folder string) bool {
	const tmpfs, ramfs = 0x01021994, 0x858458f6
	var st syscall.Statfs_t
	return syscall.Statfs(folder, &st) == nil && (uint32(st.Type) == tmpfs || uint32(st.Type) == ramfs) //nolint:gosec // the magic numbers are 32 bits wide
}
