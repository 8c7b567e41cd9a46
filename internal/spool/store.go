package spool

import (
	"context"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
)

// Store is a durable store, as the process as a whole uses it. All methods are safe
// for concurrent use. A method that can wait takes a context first and returns when
// that ends; what it had begun by then may still happen, and its error says so where
// that matters.
//
// What only some stores can do is not a method of Store but an interface of its own:
// see DiskStore.
type Store interface {
	Acceptor
	Queue
	Lanes
	Searcher
	Operator
	Journal

	// Configure changes retention, dead_letter_retention and max_bytes while the store
	// works.
	Configure(cfg Config)
	// Close commits what lanes have reported and closes the store. What is called
	// after it returns ErrUnavailable; a second Close does nothing.
	Close(ctx context.Context) error
}

// Acceptor keeps what platforms send.
type Acceptor interface {
	// Accept keeps a call and its deliveries durably, recognises a duplicate by its
	// content, and makes each new content of a call its next revision. Where ctx ends
	// before the commit, the call may be kept all the same, and the next push of it is
	// a duplicate.
	Accept(ctx context.Context, a Acceptance) (Receipt, error)
	// KeepUndecodable keeps an authentic callback that could not be understood as a
	// dead letter of stage intake, once for each source and body.
	KeepUndecodable(ctx context.Context, u Undecodable) error
	// Ready returns nil when the store takes calls at the moment, else why not.
	Ready() error
	// SourceReady returns an error where nothing new of a source is kept although the
	// store is ready, because the source fills its share.
	SourceReady(source string) error
	// Shares returns, by source, about how many bytes it holds.
	Shares() map[string]int64
}

// Queue is what a lane works with.
//
// A delivery is leased until it is reported by exactly one of Settle, Retry,
// Postpone, Bury, Supersede and Release. All but the last return at once; the report is committed
// with others soon after, and again and again where the store cannot write. They
// return ErrLeaseLost where the lane has another owner by now: the report changes
// nothing then, and the delivery is the other owner's to make.
type Queue interface {
	// Lease returns deliveries of a lane whose time has come. It may return fewer than
	// are due, or none, while the store is behind or the lane has no more memory: Work
	// tells when there may be some again.
	Lease(ctx context.Context, sink string, want Places) ([]*Delivery, error)
	// NextDue returns when the lane's next delivery that was attempted or replayed is
	// due, of doubtful ones too where asked; the zero time when none is scheduled.
	NextDue(ctx context.Context, sink string, withDoubtful bool) (time.Time, error)
	// Work returns a channel that receives when the lane may have something new to
	// lease, or its pause has changed.
	Work(sink string) <-chan struct{}

	// Settle ends a delivery as delivered.
	Settle(d *Delivery, attempts []Attempt) error
	// Retry schedules the next attempt of a delivery and keeps its new History.
	Retry(d *Delivery, attempts []Attempt, due time.Time, h History) error
	// Postpone schedules the next attempt of a delivery whose attempt does not count:
	// its History stays.
	Postpone(d *Delivery, attempts []Attempt, due time.Time) error
	// Bury ends a delivery as a dead letter.
	Bury(d *Delivery, attempts []Attempt, reason Reason, detail string) error
	// Supersede ends a delivery because a newer revision of its call waits.
	Supersede(d *Delivery) error
	// Release makes a delivery wait as it did before: no attempt is spent.
	Release(d *Delivery)

	// Amend changes the plan of a delivery that was postponed and waits: what its
	// attempt meant was known only later.
	Amend(sink string, seq int64, due time.Time, h History)
	// Expire buries up to limit deliveries of a lane that were accepted or last
	// replayed before the cutoff and that nobody has leased; it returns how many.
	Expire(ctx context.Context, sink string, cutoff time.Time, reason Reason, detail string, limit int) (int, error)
	// Now is the time by which the store compares, whatever the wall clock says.
	Now() time.Time
}

// Lanes are the sinks as the store knows them.
type Lanes interface {
	// SetLanes tells which sinks are configured now. Lanes of other sinks keep what
	// they hold.
	SetLanes(ctx context.Context, lanes []LaneConfig) error
	// SetPause rests a lane until a time, durably; the zero Pause ends it. What a sink
	// asks for changes nothing of an operator's pause.
	SetPause(ctx context.Context, sink string, p Pause) error
	// PauseOf returns the lane's pause, which may be over.
	PauseOf(sink string) Pause
	// Lanes returns the status of each lane that is configured or holds something, by
	// name.
	Lanes(ctx context.Context) ([]LaneStatus, error)
	// Waiting returns how many deliveries wait for a sink, without reading the store.
	Waiting(sink string) int64
	// Keep keeps a value of a sink under a name, in the place of the one before; nil
	// removes it.
	Keep(ctx context.Context, sink, name string, value []byte) error
	// Kept returns the value of a sink that is kept under a name; nil for none.
	Kept(ctx context.Context, sink, name string) ([]byte, error)
}

// Searcher finds calls and dead letters.
type Searcher interface {
	// SearchCalls lists calls, newest first, one entry a revision. The cursor is the
	// one that the page before returned, or empty. A page takes about 100 ms at most,
	// and says how far it came; it may be short, even empty, before the end.
	SearchCalls(ctx context.Context, f CallFilter, limit int, cursor string) (CallPage, error)
	// Call returns a call with its deliveries and attempts, or ErrNotFound.
	Call(ctx context.Context, id string) (CallDetail, error)
	// SearchLetters lists dead letters, newest first, or oldest first where the filter
	// says so. The cursor is the one that the page before returned, or empty; next is
	// empty after the last page. A page takes about 100 ms at most; it may be short, even
	// empty, before the end.
	SearchLetters(ctx context.Context, f LetterFilter, limit int, cursor string) (page []DeadLetter, next string, err error)
	// LettersByID returns those of the dead letters that are there, in the order of
	// the ids.
	LettersByID(ctx context.Context, ids []string) ([]DeadLetter, error)
	// CallsOfLetters returns the records of dead letters of stage delivery, without raw,
	// by the ids of the dead letters.
	CallsOfLetters(ctx context.Context, ids []string) (map[string]*call.Record, error)
	// LettersOfCall returns the dead letters of all revisions of a call.
	LettersOfCall(ctx context.Context, callID string) ([]CallLetter, error)
	// LettersByReason counts the dead letters of a sink by their reason.
	LettersByReason(ctx context.Context, sink string) (map[Reason]int64, error)
	// LettersOfSource returns the newest callbacks of a source that could not be
	// understood, as far as they are among the latest thousand of all sources.
	LettersOfSource(ctx context.Context, source string, limit int) ([]DeadLetter, error)
	// DeadLetter returns one dead letter with what it holds, or ErrNotFound.
	DeadLetter(ctx context.Context, id string) (DeadLetterDetail, error)
	// Totals returns counts over the whole store without reading it.
	Totals() Totals
}

// Operator is what operators change. Where the context holds an Event (WithEvent), a
// change that changes something keeps it in the same transaction, with its count, its
// sinks and its calls; further changes of the same event add theirs. So do Accept for
// what redeems a dead letter, and Lanes.SetPause.
type Operator interface {
	// Replay makes dead letters of stage delivery wait in their lanes again, with the
	// same message ids, behind live traffic; give_up_after and the retry schedule
	// begin again. With a rate above 0 they come due one after the other at that rate
	// each second, from start on. Dead letters of stage intake are not touched: their
	// ids are returned in intake, for the caller to convert and Accept. An id that is
	// not there is passed over, so that a repeated replay does no harm.
	Replay(ctx context.Context, ids []string, start time.Time, perSecond float64) (done int, intake []string, err error)
	// Purge erases dead letters and returns how many there were.
	Purge(ctx context.Context, ids []string) (int, error)
	// Resend owes the newest revisions of calls to sinks once more, no matter what became of
	// them there before, behind live traffic, as Replay does. A call that is not there is
	// passed over and counted, one that the same event has resent already is passed over
	// too; for a sink that is not there Resend returns ErrNotFound and
	// changes nothing.
	Resend(ctx context.Context, r Resend) (Resent, error)
	// NoteLetter changes the detail of a dead letter of stage intake: what was wrong
	// when it was last read.
	NoteLetter(ctx context.Context, id, detail string) error
	// Erase takes every trace of a number out of the store, or counts them where dry.
	Erase(ctx context.Context, forms NumberForms, dry bool) (Erased, error)
}

// Journal is what operators did.
type Journal interface {
	// KeepEvent keeps an event that does not change the store. To one of the same ID it
	// adds count and sinks, and the detail takes the place of the one before unless it
	// is empty.
	KeepEvent(ctx context.Context, e Event) error
	// Event returns one event, or ErrNotFound.
	Event(ctx context.Context, id string) (Event, error)
	// SearchEvents lists events, newest first. The cursor is the one that the page
	// before returned, or empty; next is empty after the last page.
	SearchEvents(ctx context.Context, f EventFilter, limit int, cursor string) (page []Event, next string, err error)
}
