package sqlite

import (
	"errors"
	"fmt"

	"github.com/cdrelay/cdrelay/internal/spool"
)

// errFull is why nothing is taken while max_bytes is reached.
var errFull = errors.New("spool.max_bytes is filled by waiting calls and dead letters")

// errDiskFull is why nothing is taken while the disk has no more room.
var errDiskFull = errors.New("the disk of the spool is filled by waiting calls and dead letters, or by other files")

// errClogged is why nothing is taken while the WAL is too long.
var errClogged = errors.New("the WAL cannot be moved into the spool file and is too long: look at the disk")

// Ready reports whether the spool takes calls at the moment, and if not, why.
func (s *Store) Ready() error {
	switch err := s.writer.state(); {
	case s.hopeless.Load():
		return errDamagedAgain
	case s.displaced.Load() != nil:
		return s.displaced.Load()
	case s.damaged.Load():
		return errDamaged
	case err != nil:
		return err
	default:
		return s.roomless()
	}
}

// roomless is why there is no room for a call, nil where there is.
func (s *Store) roomless() error {
	switch {
	case s.clogged.Load():
		return errClogged
	case s.full.Load() && s.diskDecides():
		return errDiskFull
	case s.full.Load():
		return errFull
	default:
		return nil
	}
}

// refusal is why a call is not even tried; a disk that refused the last one is.
func (s *Store) refusal() error {
	switch displaced := s.displaced.Load(); {
	case displaced != nil:
		return fmt.Errorf("%w: %w", spool.ErrUnavailable, displaced)
	case s.damaged.Load():
		return fmt.Errorf("%w: %w", spool.ErrUnavailable, errDamaged)
	}
	why := s.roomless()
	if why == nil {
		why = s.writer.hangs()
	}
	if why != nil {
		return fmt.Errorf("%w: %w", spool.ErrUnavailable, why)
	}
	return nil
}

// Totals returns the counts without reading the file.
func (s *Store) Totals() spool.Totals {
	return spool.Totals{
		Calls: s.calls.Load(), IntakeDeadLetters: s.intakes.Load(),
		SetAside: s.asides.Load(), BytesUsed: s.used.Load(),
	}
}
