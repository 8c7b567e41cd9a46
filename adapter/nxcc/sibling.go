package nxcc

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/loosejson"
)

// eventOf names the event that the body is about, or returns "" for a body that may
// be the record of a call, of NXCC or of a sibling product.
func eventOf(o *loosejson.Object) string {
	switch {
	case isCallLog(o) || isSibling(o):
		return ""
	case o.Has("state") && o.Has("time"):
		return "call state" // of a call or an agent; its callid is an access number
	case o.ID("callId") != "":
		return ""
	case o.Has("taskStat", "taskStatus") && !o.Has("callInfoDetail"):
		return "task state"
	case o.Has("code") && o.Has("msg") && o.Has("requestId"):
		return "error"
	}
	return ""
}

// isCallLog knows the body of NXCC itself by the fields that no sibling has.
func isCallLog(o *loosejson.Object) bool {
	return o.Has("startTime", "ringTime", "answerTime", "endTime", "callDuration")
}

// isSibling knows the records of PNS (number masking), flat or with legs, and of
// the AI agent.
func isSibling(o *loosejson.Object) bool {
	return !isCallLog(o) && o.Has("startAt", "answerAt", "hangupAt", "legList", "callStart", "callAnswer", "callEnd")
}

// withoutIdentity says what the body probably is.
func withoutIdentity(o *loosejson.Object) string {
	const reason = "no identity: an NXCC call log has callId"
	switch {
	case o.Has("sessionid"):
		return reason + "; one with sessionid is of the sibling product WebCall, which is not supported"
	case o.Has("callInfoDetail"):
		return reason + "; one with callInfoDetail is of the sibling product Callbot, which is not supported"
	}
	return reason
}

// sibling reads what the siblings' own documents say. Their times are seconds, and
// their hang-up code is one of Q.850. A record with legs has its times and its end in
// the leg to the called party.
func (c *conversion) sibling() {
	c.Warn("not an NXCC body")
	c.Direction, c.Method = call.UnknownDirection, call.UnknownMethod
	legs := c.Objects("legList")
	main := *c
	if len(legs) > 0 {
		main.Object = mainLeg(legs)
	}
	c.siblingParties(legs)
	main.siblingTimes()
	for _, leg := range legs {
		c.widen(leg)
	}
	main.siblingEnd()
	c.Task.ID = c.Plain("taskId")
	c.References.Custom = cmp.Or(c.Plain("other"), c.Plain("ext"))
	c.Derive()
	main.settleTalk("duration")
	for i, leg := range legs {
		for _, complaint := range leg.Complaints() {
			c.Warn(fmt.Sprintf("leg %d: %s", i+1, complaint))
		}
	}
}

// mainLeg is the last leg to the called party, else the last one.
func mainLeg(legs []*loosejson.Object) *loosejson.Object {
	for _, leg := range slices.Backward(legs) {
		if kind, _ := leg.Int("callType"); kind == 2 {
			return leg
		}
	}
	return legs[len(legs)-1]
}

// siblingParties are those of the whole call, else of its first and last leg: in
// between is the number that hides them.
func (c *conversion) siblingParties(legs []*loosejson.Object) {
	from, to := *c, *c
	if len(legs) > 0 && !c.Has("caller") {
		from.Object = legs[0]
	}
	if len(legs) > 0 && !c.Has("callee") {
		to.Object = mainLeg(legs)
	}
	c.From, c.To = from.party(from.first("caller", "callerPhone")), to.party(to.first("callee", "calleePhone"))
}

func (c *conversion) siblingTimes() {
	c.StartedAt = c.unixSeconds("startAt", "callStart", "callStartAt")
	c.RingingAt = c.unixSeconds("callRingAt")
	c.AnsweredAt = c.unixSeconds("answerAt", "callAnswer", "callAnswerAt")
	c.EndedAt = c.unixSeconds("hangupAt", "callEnd", "callFinishAt")
	c.RingSeconds = c.seconds(c.first("callRingTime", "ringDuration"))
	c.Answered = !c.AnsweredAt.IsZero()
}

// widen makes the call begin and end with the first and the last of its legs.
func (c *conversion) widen(leg *loosejson.Object) {
	l := conversion{Object: leg, Record: &call.Record{}}
	if at := l.unixSeconds("callStartAt"); !at.IsZero() && (c.StartedAt.IsZero() || at.Before(c.StartedAt.Time)) {
		c.StartedAt = at
	}
	if at := l.unixSeconds("callFinishAt"); at.After(c.EndedAt.Time) {
		c.EndedAt = at
	}
}

func (c *conversion) siblingEnd() {
	c.Recording.URL = c.webURL(c.first("recordFile", "callRecordFile"))
	c.Hangup.Reason = c.Text("hangupCause")
	evidence := c.lineEvidence()
	if n, ok := c.Int("hangupCode"); ok && n != 0 {
		c.Hangup.Code = c.Text("hangupCode")
		if _, known := call.OutcomeOfCause(int(n)); known {
			c.Hangup.Q850 = new(int(n))
			evidence.Causes = []call.Cause{{Q850: int(n)}}
		} else {
			c.Complain("hangupCode", "is no cause of Q.850")
		}
	}
	c.Conclude(evidence)
}

// first is the first of the keys that is there.
func (c *conversion) first(keys ...string) string {
	for _, k := range keys {
		if c.Has(k) {
			return k
		}
	}
	return keys[0]
}

func (c *conversion) unixSeconds(keys ...string) call.Time {
	return c.unix(c.first(keys...), func(n int64) time.Time { return time.Unix(n, 0) }, "seconds")
}
