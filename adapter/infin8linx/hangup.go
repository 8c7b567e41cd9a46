package infin8linx

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
)

func (c *conversion) hangup() {
	const code, side = "hangupcause", "hangupdirection"
	c.Hangup.Code = echoed(c.Plain(code))
	cause := c.cause(code)
	c.Hangup.Reason = cause.Reason
	if cause.Q850 > 0 {
		c.Hangup.Q850 = new(cause.Q850)
	}
	cause.By = c.sideOf(int64(cause.Code))
	said := c.hungUpBy(side)
	if !c.HungUpBy(said, cause) {
		c.Warn(fmt.Sprintf("%s says that the %s hung up, %s %d the %s", side, said, code, cause.Code, cause.By))
	}
	sip, _ := c.Int("termsipcode")
	evidence := call.Evidence{
		Causes: []call.Cause{cause},
		Names:  []string{c.Text(code), c.Text("hangupreason")},
		SIP:    sip,
	}
	if said == call.ByUnknown {
		evidence.Causes = append(evidence.Causes, c.cause(side)) // a cause in the place of the side
	}
	c.Conclude(evidence)
}

// cause finds the cause that a field names; it warns of an unknown code.
func (c *conversion) cause(key string) call.Cause {
	cause, unknown := Causes.Read(c.Plain(key))
	if unknown {
		c.Complain(key, "is an unknown code")
	}
	return cause
}

// hungUpBy reads the side: a code, or the word that the vendor's query API has.
// Codes that are causes say nothing about the side.
func (c *conversion) hungUpBy(key string) call.HangupBy {
	switch strings.ToLower(c.Text(key)) {
	case "", none:
		return ""
	case "caller":
		return c.callerSide()
	case "callee":
		return c.calleeSide()
	}
	code, _ := strconv.ParseInt(c.Plain(key), 10, 64)
	return cmp.Or(c.sideOf(code), call.ByUnknown)
}

// sideOf returns the side that a code names, or nothing.
func (c *conversion) sideOf(code int64) call.HangupBy {
	switch code {
	case callerHungUp:
		return c.callerSide()
	case calleeHungUp:
		return c.calleeSide()
	}
	return ""
}

func (c *conversion) callerSide() call.HangupBy {
	switch {
	case c.Direction == call.Inbound:
		return call.ByCustomer
	case c.Direction == call.Outbound && slices.Contains(byHand[:], c.Method):
		return call.ByAgent
	case c.Direction == call.Outbound && slices.Contains(byPlatform[:], c.Method):
		return call.ByPlatform // it dials before there is an agent
	default:
		return call.ByCaller
	}
}

// The methods by which an agent calls a customer, and those by which the platform does.
//
//nolint:gochecknoglobals // tables
var (
	byHand     = [...]call.Method{call.Manual, call.API, call.DoubleCall}
	byPlatform = [...]call.Method{call.Predictive, call.IVR}
)

func (c *conversion) calleeSide() call.HangupBy {
	switch {
	case c.Direction == call.Inbound:
		return call.ByAgent
	case c.Direction == call.Outbound && (slices.Contains(byHand[:], c.Method) || slices.Contains(byPlatform[:], c.Method)):
		return call.ByCustomer
	default:
		return call.ByCallee
	}
}
