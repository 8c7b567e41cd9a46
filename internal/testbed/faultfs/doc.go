// Package faultfs is a disk for tests that loses power, fills up and fails. It
// is a FUSE file system that keeps its content in memory, so that the real
// program runs on it through the real kernel.
//
// # Power cuts
//
// Every file has a durable image and the changes since its last fsync; every
// folder has its durable names. A cut gives EIO to everything that follows,
// and makes a surviving content of the durable state and a random part of what
// was not synced:
//
//   - Of a file, each sector of 512 bytes that was written has the content of
//     any moment since the last fsync: the first one, the last one, or one
//     between. Sectors are independent of each other, and files too, so writes
//     are lost, torn and reordered. A single sector is whole.
//   - The size of a file is that of any moment since the last fsync. What was
//     written beyond a size that survived is gone; what lies below it and was
//     lost reads as zeros. Sectors that were written after a truncation that did
//     not survive went to other blocks, and are lost where it cut.
//   - Created, renamed and removed names survive in their order: the first n of
//     those that no fsync of the folder has made durable. A rename is whole. The
//     fsync of a file does not keep its name, nor that of a folder the folder's
//     own name: POSIX promises neither, although ext4 keeps both.
//
// This is at least what ext4 with data=ordered may lose, and no more than POSIX
// permits for a disk that honours a flush. After a failed fsync the file's
// unsynced changes are still read, as from Linux's page cache, but no later
// fsync makes them durable.
//
// The choices follow from the seed of the cut and the state at its moment. The
// same program with the same seed takes the same choices; which operation comes
// first of two threads remains the scheduler's.
//
// # Failures
//
// A Fault decides about each operation before it happens: no space, errors of
// fsync, read-only. Faults come and go while the disk is mounted. Syncs may also hang
// for a time.
//
// # Limits
//
// Files and folders only: no links, no extended attributes. Only files whose
// names end in -shm may be mapped with MAP_SHARED, as SQLite does with the index
// of its WAL, which no crash needs; their writes arrive when the kernel writes a
// page back. File locks are the kernel's.
//
// A Disk is safe for concurrent use. It needs root and /dev/fuse; New skips the
// test where they are missing, with a message that begins with DID NOT RUN.
package faultfs
