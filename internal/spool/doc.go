// Package spool is what a durable store between intake and delivery is: the types
// that it keeps and returns, its errors, and its interfaces. The stores themselves
// are packages of their own: spool/sqlite is the embedded one. The suite
// spool/spooltest holds a store to the guarantees below.
//
//   - When Accept returns without an error, the call and all its deliveries are
//     committed and synced in one transaction.
//   - A delivery ends delivered, or as a dead letter, or waits. What a lane reports
//     of its attempts is committed soon after; a crash repeats what was not yet
//     committed and loses nothing.
//   - Memory does not grow with the backlog: a lane leases a few deliveries at a
//     time. After a crash all waiting work is free at once.
//   - Lanes do not disturb each other, and no revision of a call is leased while an
//     older one waits in the same lane.
//   - One source cannot fill the store so that others are refused: beyond its share
//     it alone gets ErrUnavailable with ErrShare.
//   - A full or failing store returns ErrUnavailable; nothing is half kept.
//   - Damaged data is set aside and counted, never erased.
package spool
