package spool

import "errors"

// Ready tells whether the spool takes calls at the moment, and if not, why.
func (s *Spool) Ready() error {
	switch err := s.writer.state(); {
	case s.damaged.Load():
		return errors.New("the spool file is damaged: restart to set it aside and save what can be read")
	case err != nil:
		return err
	case s.full.Load():
		return errors.New("spool.max_bytes is filled by waiting calls and dead letters")
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
