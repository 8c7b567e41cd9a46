package spool

// Totals are counts over the whole spool.
type Totals struct {
	Calls             int64
	IntakeDeadLetters int64
	SetAside          int64
	BytesUsed         int64
}
