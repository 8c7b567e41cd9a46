package nxcc

import "github.com/cdrelay/cdrelay/internal/call"

// normalClearing is the Q.850 cause that says only that somebody hung up.
const normalClearing = 16

func (c *conversion) hangup() {
	c.Hangup.By = c.hungUpBy()
	c.Hangup.Reason = c.Text("hangupReason")
	c.Outcome = c.outcome()
}

func (c *conversion) hungUpBy() call.HangupBy {
	n, ok := c.Int("hangupBy")
	if !ok {
		return ""
	}
	switch n {
	case 0:
		return call.ByAgent
	case 1:
		return call.ByCustomer
	case 2:
		return call.ByUnknown
	}
	c.Complain("hangupBy", "is none of 0, 1, 2")
	return call.ByUnknown
}

func (c *conversion) outcome() call.Outcome {
	byCode := c.code("hangupCode")
	switch {
	case c.Answered:
		return call.Answered
	case c.VoicemailURL != "":
		return call.Voicemail
	case c.isCause(normalClearing) && c.callerHungUp():
		return call.Canceled
	case byCode == call.UnknownOutcome && c.rang():
		return call.NoAnswer
	}
	return byCode
}

// code reads a hang-up code and gives the outcome that it means without an answer.
func (c *conversion) code(key string) call.Outcome {
	c.Hangup.Code = c.Text(key)
	n, ok := c.Int(key)
	if !ok || n == 0 {
		return call.UnknownOutcome
	}
	if o, ok := call.OutcomeOfCause(int(n)); ok {
		c.Hangup.Q850 = new(int(n))
		return o
	}
	if o, ok := call.OutcomeOfSIP(int(n)); ok {
		return o
	}
	c.Complain(key, "is neither a Q.850 cause nor a SIP status")
	return call.UnknownOutcome
}

func (c *conversion) isCause(q850 int) bool {
	return c.Hangup.Q850 != nil && *c.Hangup.Q850 == q850
}

func (c *conversion) callerHungUp() bool {
	return c.Direction == call.Outbound && c.Hangup.By == call.ByAgent ||
		c.Direction == call.Inbound && c.Hangup.By == call.ByCustomer
}

func (c *conversion) rang() bool {
	return !c.RingingAt.IsZero() || c.RingSeconds != nil && *c.RingSeconds > 0
}
