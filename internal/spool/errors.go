package spool

import "errors"

// ErrNotFound says that there is no such call, sink or dead letter.
var ErrNotFound = errors.New("not found")

// ErrUnavailable says that the spool cannot take anything at the moment: the
// disk is full or fails, max_bytes is reached, or the spool is closed. Nothing
// was kept; the sender may try again.
var ErrUnavailable = errors.New("spool cannot take calls at the moment")

// ErrShare says that a source fills its share of the spool. It comes together
// with ErrUnavailable: others are still accepted.
var ErrShare = errors.New("the source fills its share of spool.max_bytes with calls that wait and dead letters")

// ErrBadCursor says that a cursor is not one that a page gave.
var ErrBadCursor = errors.New("bad cursor")

// ErrLeaseLost says that a delivery is no longer leased to the lane that reports it:
// another process drives the lane by now. The report has changed nothing, and must not
// be repeated.
var ErrLeaseLost = errors.New("the lease was lost to another owner of the lane")
