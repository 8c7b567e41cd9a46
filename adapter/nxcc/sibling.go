package nxcc

import (
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/loosejson"
)

// isStateEvent knows the pushes about a call or an agent that goes on: a state at
// a time, and nothing that a call record has.
func isStateEvent(o *loosejson.Object) bool {
	return o.Has("state") && o.Has("time") && !isCallLog(o) && !isSibling(o)
}

// isCallLog knows the body of NXCC itself by the fields that no sibling has.
func isCallLog(o *loosejson.Object) bool {
	return o.Has("startTime", "ringTime", "answerTime", "endTime", "callDuration")
}

// isSibling knows the records of PNS (number masking) and of the AI agent.
func isSibling(o *loosejson.Object) bool {
	return !isCallLog(o) && o.Has("startAt", "answerAt", "hangupAt", "callStart", "callAnswer", "callEnd")
}

// withoutIdentity says what the body probably is.
func withoutIdentity(o *loosejson.Object) string {
	const reason = "no identity: an NXCC call log has callId"
	if o.Has("sessionid") {
		return reason + "; one with sessionid is of the sibling product WebCall, which is not supported"
	}
	return reason
}

// sibling reads what the siblings' own documents give a meaning to. Their times
// are seconds.
func (c *conversion) sibling() {
	c.Warn("not an NXCC body")
	c.Direction, c.Method = call.UnknownDirection, call.UnknownMethod
	c.From, c.To = c.party(c.first("caller", "callerPhone")), c.party(c.first("callee", "calleePhone"))
	c.StartedAt = c.unixSeconds("startAt", "callStart")
	c.AnsweredAt = c.unixSeconds("answerAt", "callAnswer")
	c.EndedAt = c.unixSeconds("hangupAt", "callEnd")
	c.Answered = !c.AnsweredAt.IsZero()
	c.Hangup.Reason = c.Text("hangupCause")
	c.Outcome = c.code("hangupCode")
	if c.Answered {
		c.Outcome = call.Answered
	}
	c.Task.ID = c.Text("taskId")
	c.References.Custom = c.Text("other")
	c.Recording.URL = c.webURL("recordFile")
	c.Derive()
	c.settleTalk("duration")
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
