package nxcc

import (
	"cmp"
	"fmt"

	"github.com/cdrelay/cdrelay/internal/call"
)

// hangup settles how the call ended, by a cause of the vendor's list and by what
// the line said.
func (c *conversion) hangup() {
	const code, side = "hangupCode", "hangupBy"
	cause := c.cause
	said := c.side(side)
	if !c.HungUpBy(said, cause) {
		c.Warn(fmt.Sprintf("%s says that the %s hung up, %s %d the %s", side, said, code, cause.Code, cause.By))
	}
	c.Hangup.Code = c.Object.ID(code)
	c.Hangup.Reason = cmp.Or(c.Text("hangupReason"), cause.Reason, c.Text("hangupCause"))
	evidence := c.lineEvidence()
	evidence.Causes = []call.Cause{cause}
	c.Conclude(evidence)
}

// lineEvidence is what the body says about the end besides the vendor's code.
func (c *conversion) lineEvidence() call.Evidence {
	sip, _ := c.Int("termSipCode")
	return call.Evidence{
		Names: []string{c.Text("hangupCause"), c.Text("hangupReason"), c.Text("hangupCode")},
		SIP:   sip,
		Rang:  !c.RingingAt.IsZero() || c.RingSeconds != nil && *c.RingSeconds > 0,
	}
}

// readCause finds the cause of a code; it warns of an unknown one.
func (c *conversion) readCause(key string) call.Cause {
	cause, unknown := Causes.Read(c.Plain(key))
	if unknown {
		c.Complain(key, "is an unknown code")
	}
	return cause
}

func (c *conversion) side(key string) call.HangupBy {
	sides := [...]call.HangupBy{call.ByAgent, call.ByCustomer, call.ByUnknown}
	switch n, ok := c.Int(key); {
	case !ok:
		return ""
	case n >= 0 && n < int64(len(sides)):
		return sides[n]
	}
	c.Complain(key, "is none of 0, 1, 2")
	return call.ByUnknown
}
