package call

import (
	"cmp"
	"slices"
	"strconv"
)

// Cause is what one code or name for the end of a call means.
type Cause struct {
	// Code is the number in a vendor's own list; 0 for a name.
	Code int
	// Reason is the meaning in words, or the name.
	Reason string
	// Outcome is that of a call that nobody answered. Answered means that the code
	// is one of calls on which somebody talked. Empty leaves it to Q850.
	Outcome Outcome
	// By is the side that the cause names; empty for none.
	By HangupBy
	// Q850 is the nearest ITU-T Q.850 cause; 0 for none.
	Q850 int
}

// Causes is a vendor's list of codes.
type Causes []Cause

// find finds a code. The list must be in the order of the codes.
func (c Causes) find(code int64) (Cause, bool) {
	i, ok := slices.BinarySearchFunc(c, code, func(c Cause, code int64) int { return cmp.Compare(int64(c.Code), code) })
	if !ok {
		return Cause{}, false
	}
	return c[i], true
}

// Read finds the cause of a code in text. It reports whether the text is a code that
// the list lacks; an empty text, 0 and a name of FreeSWITCH are not codes.
func (c Causes) Read(text string) (cause Cause, unknown bool) {
	if _, named := namedCause(text); named || text == "" {
		return Cause{}, false
	}
	code, err := strconv.ParseInt(text, 10, 64)
	if err == nil && code == 0 {
		return Cause{}, false
	}
	cause, known := c.find(code)
	return cause, !known
}

// Evidence is what a callback says about the end of a call, the strongest first.
type Evidence struct {
	// Causes are those that the vendor's own codes name.
	Causes []Cause
	// Names are texts that may be FreeSWITCH's names of causes.
	Names []string
	// SIP is the last SIP status of the line; 0 when unknown.
	SIP int64
	// Rang says that the times show that the called phone rang.
	Rang bool
}

// Conclude settles the outcome, and hangup.q850 where a name says it. Answered,
// VoicemailURL, Direction and Hangup.By must be set before. Of a call that somebody
// answered the outcome is answered in any case.
func (r *Record) Conclude(e Evidence) {
	for _, name := range e.Names {
		if c, ok := namedCause(name); ok {
			e.Causes = append(e.Causes, c)
			r.noteQ850(c)
		}
	}
	switch {
	case r.Answered:
		r.Outcome = Answered
	case r.VoicemailURL != "":
		r.Outcome = Voicemail
	default:
		r.Outcome = r.unanswered(e)
	}
}

// noteQ850 keeps the first cause that is known. Of an answered call the line's last
// cause may be that of another leg, unless it is normal clearing.
func (r *Record) noteQ850(c Cause) {
	if r.Hangup.Q850 == nil && c.Q850 > 0 && (!r.Answered || c.Q850 == normalClearing) {
		r.Hangup.Q850 = new(c.Q850)
	}
}

// unanswered returns the outcome by the first evidence that says anything.
func (r *Record) unanswered(e Evidence) Outcome {
	for _, c := range e.Causes {
		if o := r.meaning(c); o != UnknownOutcome {
			return o
		}
	}
	if o, ok := OutcomeOfSIP(e.SIP); ok {
		return o
	}
	if e.Rang {
		return NoAnswer
	}
	return UnknownOutcome
}

// meaning is what a cause says about a call that nobody answered. A cause that only
// says that somebody hung up depends on who did.
func (r *Record) meaning(c Cause) Outcome {
	hungUp := c.Outcome == Answered || c.Outcome == "" && c.Q850 == normalClearing
	switch {
	case hungUp && r.callerHungUp():
		return Canceled
	case c.Outcome == Answered:
		return UnknownOutcome
	case c.Outcome != "":
		return c.Outcome
	}
	o, _ := OutcomeOfCause(c.Q850)
	return o
}

// callerHungUp reports whether the calling side is known to have hung up.
func (r *Record) callerHungUp() bool {
	by := r.Hangup.By
	return by == ByCaller || by == ByCustomer && r.Direction == Inbound ||
		(by == ByAgent || by == ByPlatform) && r.Direction == Outbound
}

// HungUpBy settles the side from a vendor's field and the cause that its code
// names: the cause comes first. It reports whether the two agree.
func (r *Record) HungUpBy(said HangupBy, c Cause) (agree bool) {
	r.Hangup.By = said
	if c.By == "" {
		return true
	}
	r.Hangup.By = c.By
	return said == "" || said == ByUnknown || said == c.By
}

// namedCause finds a cause by FreeSWITCH's name for it, in any case and with
// spaces or hyphens for its underscores.
func namedCause(name string) (Cause, bool) {
	if len(name) < len("NONE") || len(name) > maxCauseName {
		return Cause{}, false
	}
	var spelled [maxCauseName]byte
	for i := range len(name) {
		switch c := name[i]; {
		case c >= 'A' && c <= 'Z', c == '_':
			spelled[i] = c
		case c >= 'a' && c <= 'z':
			spelled[i] = c - 'a' + 'A'
		case c == ' ', c == '-':
			spelled[i] = '_'
		default:
			return Cause{}, false
		}
	}
	c, ok := namedCauses[string(spelled[:len(name)])]
	return c, ok
}
