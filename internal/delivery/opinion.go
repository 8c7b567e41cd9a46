package delivery

import (
	"slices"
	"time"

	"github.com/cdrelay/cdrelay/internal/spool"
)

const (
	// firstOpinion is how long a lane rests before another delivery is tried; each
	// further opinion waits twice as long as the one before.
	firstOpinion = 2 * time.Second
	// longestFloor bounds what a lane rests at least where the sink asks again and
	// again for less.
	longestFloor = 30 * time.Second
	// lastRequests is how many requests of different deliveries tell a limit of the
	// account: more than half of them were asked to wait.
	lastRequests = 10
	// proofsForTrust is how many pauses in a row must have been their asker's own
	// before a lane no longer rests for the next one.
	proofsForTrust = 3
)

// ask is an answer by which the sink asks for a pause.
type ask struct {
	delivery *spool.Delivery
	begun    time.Time // the attempt
	ended    time.Time
	wait     time.Duration
	// failed is the history of the delivery if the attempt is a failure of its own.
	failed spool.History
	// doubtful: the sink takes others and not this one, so that the pause is its
	// own, whatever the others hear.
	doubtful bool
}

// charged is the history of a delivery whose pause was its own.
func (a ask) charged(counts bool) spool.History {
	if counts {
		return a.failed
	}
	h := a.delivery.History
	h.Spent++
	return h
}

// ruling is what becomes of an ask.
type ruling struct {
	// own: the pause is the delivery's alone, and the lane goes on.
	own bool
	// counts: its attempt is evidence for a doubt of it.
	counts bool
	// until is when the delivery may be tried again; zero where the pause is its own.
	until time.Time
}

// opinions decides whether a pause that the sink asks for is one of the whole lane
// or of the one delivery that was answered so. It is pure: it is told what came of
// each attempt, and when.
//
// Invariant: while a pause holds, one delivery at a time is tried, none that asked
// within it, and never sooner than 2 s after the sink asked last. The lane goes on
// when one was delivered. Where most of the last requests were asked to wait,
// nothing is tried before the time that the sink named, and then one at a time.
type opinions struct {
	begun  time.Time // the pause that holds; zero for none
	until  time.Time // the latest end that was asked for
	next   time.Time // when another delivery may be tried
	step   time.Duration
	askers []ask
	// again is how many pauses followed another one with nothing delivered between.
	again int
	// proven is how many pauses in a row were their asker's own.
	proven int
	last   []heard // the last requests of different deliveries
}

// heard is what is remembered of a delivery that was tried.
type heard struct {
	seq   int64
	asked bool
}

// asked takes an ask.
func (o *opinions) asked(a ask) ruling {
	if a.doubtful {
		if a.begun.Before(o.until) {
			o.inconclusive(a.begun, a.ended)
		}
		return ruling{own: true, counts: !o.holds() && !o.limited()}
	}
	o.note(a.delivery.Seq, true)
	switch {
	case !o.holds() && o.trusts():
		return ruling{own: true, counts: true}
	case !o.holds(), !a.begun.Before(o.until):
		o.rest(a)
	default:
		o.join(a)
	}
	if o.limited() {
		o.next, o.proven = o.until, 0
	}
	return ruling{until: later(o.until, a.ended.Add(a.wait))}
}

// rest begins a pause.
func (o *opinions) rest(a ask) {
	var floor time.Duration
	if o.holds() { // the last one is over, and the sink asks again
		o.again++
		floor = min(time.Second<<min(o.again, 10), longestFloor)
	}
	o.begun, o.until, o.askers = a.ended, a.ended.Add(max(a.wait, floor)), []ask{a}
	o.step = firstOpinion
	o.next = a.ended.Add(o.step)
}

// join adds an ask to the pause that holds. One that began before it says nothing
// new.
func (o *opinions) join(a ask) {
	o.askers = append(o.askers, a)
	o.until = later(o.until, a.ended.Add(a.wait))
	o.inconclusive(a.begun, a.ended)
}

// answered takes an attempt by which the sink took the delivery, or refused it for
// what it is. It returns the askers whose pause was their own, and whether their
// attempts are evidence.
func (o *opinions) answered(seq int64, begun time.Time) (own []ask, counts bool) {
	o.note(seq, false)
	if !o.holds() || !begun.After(o.begun) {
		return nil, false
	}
	// Where the sink asked for less than an opinion waits, the first delivery after
	// it is the opinion.
	if inTime := o.begun.Add(firstOpinion); begun.Before(o.until) || !begun.After(inTime) {
		own, counts = o.askers, len(o.askers) == 1
		o.proven++
	}
	if o.hasAsked(seq) { // it has waited as it was asked to
		own = nil
	}
	if len(o.askers) > 1 {
		o.proven = 0
	}
	o.end()
	return own, counts
}

// inconclusive takes an attempt that says nothing about the pause.
func (o *opinions) inconclusive(begun, now time.Time) {
	switch {
	case !o.holds() || !begun.After(o.begun):
	case !begun.Before(o.until):
		o.end()
	default:
		o.step *= 2
		o.next = now.Add(o.step)
	}
}

// resume takes over a pause of which only the end is known.
func (o *opinions) resume(until, now time.Time) {
	o.begun, o.until, o.step, o.next = now, until, firstOpinion, now.Add(firstOpinion)
}

func (o *opinions) end() {
	o.begun, o.until, o.next, o.askers, o.again = time.Time{}, time.Time{}, time.Time{}, nil, 0
}

// holds reports whether a pause holds: until a delivery was tried after its end.
func (o *opinions) holds() bool { return !o.begun.IsZero() }

// shared reports whether the pause that holds is not the one delivery's alone.
func (o *opinions) shared() bool {
	return o.holds() && (len(o.askers) > 1 || o.limited() || o.again > 0)
}

// wait is how long nothing may be tried.
func (o *opinions) wait(now time.Time) time.Duration {
	if !o.holds() {
		return 0
	}
	return max(0, min(o.until.Sub(now), o.next.Sub(now)))
}

func (o *opinions) hasAsked(seq int64) bool {
	return slices.ContainsFunc(o.askers, func(a ask) bool { return a.delivery.Seq == seq })
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// note remembers a request.
func (o *opinions) note(seq int64, asked bool) {
	o.last = slices.DeleteFunc(o.last, func(h heard) bool { return h.seq == seq })
	if len(o.last) == lastRequests {
		o.last = slices.Delete(o.last, 0, 1)
	}
	o.last = append(o.last, heard{seq, asked})
}

// limited reports whether the last requests show a limit of the account.
func (o *opinions) limited() bool {
	return len(o.last) == lastRequests && o.askedOfLast() > lastRequests/2
}

// trusts reports whether an ask may be taken for the delivery's own without an
// opinion: it was so again and again, and few are asked.
func (o *opinions) trusts() bool {
	return o.proven >= proofsForTrust && len(o.last) == lastRequests && o.askedOfLast() <= lastRequests/5
}

func (o *opinions) askedOfLast() (n int) {
	for _, r := range o.last {
		if r.asked {
			n++
		}
	}
	return n
}
