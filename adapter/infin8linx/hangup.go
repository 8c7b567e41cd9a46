package infin8linx

import (
	"strconv"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
)

// The two codes that hangupdirection should have. They may stand in hangupcause,
// as every other code may stand in hangupdirection: the vendor has one code space.
const (
	callerHungUp = 10040
	calleeHungUp = 10041
)

// cause is what a code of the vendor means.
type cause struct {
	reason  string
	outcome call.Outcome // of a call that nobody answered
	q850    int          // 0: no single cause is near
}

func (c *conversion) hangup() {
	c.Hangup.By = c.hungUpBy()
	c.Outcome = c.cause()
	if c.Answered {
		c.Outcome = call.Answered // whatever the cause says
	}
}

// cause reads hangupcause and gives the outcome that it means without an answer.
func (c *conversion) cause() call.Outcome {
	c.Hangup.Code = echoed(c.Text("hangupcause"))
	code, ok := c.Int("hangupcause")
	if !ok || code == 0 {
		return call.UnknownOutcome
	}
	known, ok := causeOf(code)
	if !ok {
		c.Warn("unknown hangupcause " + strconv.FormatInt(code, 10))
		return call.UnknownOutcome
	}
	c.Hangup.Reason = known.reason
	if known.q850 > 0 {
		c.Hangup.Q850 = new(known.q850)
	}
	return known.outcome
}

// hungUpBy reads hangupdirection: a code, or the word that the vendor's query API
// gives. Codes that are causes say nothing about the side.
func (c *conversion) hungUpBy() call.HangupBy {
	const key = "hangupdirection"
	switch strings.ToLower(c.Text(key)) {
	case "", none:
		return ""
	case "caller":
		return c.callerSide()
	case "callee":
		return c.calleeSide()
	}
	switch code, ok := c.Int(key); {
	case !ok:
		return call.ByUnknown
	case code == callerHungUp:
		return c.callerSide()
	case code == calleeHungUp:
		return c.calleeSide()
	default:
		if _, known := causeOf(code); !known {
			c.Warn("unknown hangupdirection " + strconv.FormatInt(code, 10))
		}
		return call.ByUnknown
	}
}

func (c *conversion) callerSide() call.HangupBy {
	switch {
	case c.Direction == call.Inbound:
		return call.ByCustomer
	case c.Direction != call.Outbound:
		return call.ByCaller
	}
	switch c.Method {
	case call.Manual, call.API, call.DoubleCall:
		return call.ByAgent
	case call.Predictive, call.IVR:
		return call.ByPlatform // it dials before there is an agent
	case call.InternalMethod, call.AIAgent, call.UnknownMethod:
	}
	return call.ByCaller
}

func (c *conversion) calleeSide() call.HangupBy {
	switch {
	case c.Direction == call.Inbound:
		return call.ByAgent
	case c.Direction != call.Outbound:
		return call.ByCallee
	}
	switch c.Method {
	case call.Manual, call.API, call.DoubleCall, call.Predictive, call.IVR:
		return call.ByCustomer
	case call.InternalMethod, call.AIAgent, call.UnknownMethod:
	}
	return call.ByCallee
}

// causeOf is the vendor's table as public code has it, with this project's
// reading of each code.
func causeOf(code int64) (cause, bool) {
	switch code {
	case 10001:
		return cause{"normal hang-up", call.NoAnswer, 16}, true
	case 10002:
		return cause{"call cancelled", call.Canceled, 16}, true
	case 10003:
		return cause{"refused", call.Rejected, 21}, true
	case 10004:
		return cause{"outbound line failed", call.Failed, 0}, true
	case 10005:
		return cause{"user did not answer", call.NoAnswer, 0}, true
	case 10006:
		return cause{"user busy", call.Busy, 17}, true
	case 10007:
		return cause{"server hung up", call.Failed, 31}, true
	case 10008:
		return cause{"extension not registered", call.Unreachable, 20}, true
	case 10009:
		return cause{"destination unreachable", call.Unreachable, 3}, true
	case 10011:
		return cause{"timer expired", call.NoAnswer, 102}, true
	case 10012:
		return cause{"callback interface error", call.Failed, 41}, true
	case 10013:
		return cause{"extension does not exist", call.InvalidNumber, 1}, true
	case 10014:
		return cause{"not found", call.InvalidNumber, 1}, true
	case 10015:
		return cause{"request timeout", call.NoAnswer, 102}, true
	case 10016:
		return cause{"nobody answered", call.NoAnswer, 19}, true
	case 10017:
		return cause{"call no longer valid", call.Failed, 31}, true
	case 10019:
		return cause{"home location unknown", call.Failed, 31}, true
	case 10020:
		return cause{"other", call.UnknownOutcome, 31}, true
	case 10024:
		return cause{"bad request", call.Failed, 0}, true
	case 10025:
		return cause{"call forbidden", call.Blocked, 0}, true
	case 10027:
		return cause{"number changed", call.InvalidNumber, 22}, true
	case 10028:
		return cause{"call intercepted", call.Blocked, 21}, true
	case 10031:
		return cause{"unknown", call.UnknownOutcome, 31}, true
	case callerHungUp:
		return cause{"caller hung up", call.Canceled, 0}, true
	case calleeHungUp:
		return cause{"callee hung up", call.Rejected, 0}, true
	}
	return cause{}, false
}
