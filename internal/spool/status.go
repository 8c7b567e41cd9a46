package spool

import (
	"errors"
	"fmt"
)

// errFull is why nothing is taken while max_bytes is reached.
var errFull = errors.New("spool.max_bytes is filled by waiting calls and dead letters")

// Ready tells whether the spool takes calls at the moment, and if not, why.
func (s *Spool) Ready() error {
	switch err := s.writer.state(); {
	case s.hopeless.Load():
		return errDamagedAgain
	case s.displaced.Load() != nil:
		return s.displaced.Load()
	case s.damaged.Load():
		return errDamaged
	case err != nil:
		return err
	case s.full.Load():
		return errFull
	default:
		return nil
	}
}

// refusal is why a call is not even tried; a disk that refused the last one is.
func (s *Spool) refusal() error {
	switch displaced := s.displaced.Load(); {
	case displaced != nil:
		return fmt.Errorf("%w: %w", ErrUnavailable, displaced)
	case s.damaged.Load():
		return fmt.Errorf("%w: %w", ErrUnavailable, errDamaged)
	case s.full.Load():
		return fmt.Errorf("%w: %w", ErrUnavailable, errFull)
	default:
		return nil
	}
}

// Totals are counts over the whole spool.
type Totals struct {
	Calls             int64
	IntakeDeadLetters int64
	SetAside          int64
	BytesUsed         int64
}

// Totals gives the counts without reading the file.
func (s *Spool) Totals() Totals {
	return Totals{
		Calls: s.calls.Load(), IntakeDeadLetters: s.intakes.Load(),
		SetAside: s.asides.Load(), BytesUsed: s.used.Load(),
	}
}
