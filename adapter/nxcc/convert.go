package nxcc

import (
	"cmp"
	"math"
	"strconv"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/loosejson"
	"github.com/cdrelay/cdrelay/internal/phone"
)

// Name is the format's name in the configuration.
const Name = "nxcc"

// FormField is the field of a form that holds a push. The vendor documents no
// form, but a proxy may make one.
const FormField = "detail"

// fields are those of a call log besides its id, the usual ones first, and those by
// which the records of siblings are known.
//
//nolint:gochecknoglobals // a table
var fields = strings.Fields(`startTime caller callee endTime direction answered answerTime agentName agentNickName
	callDuration callStatus dtmfKeys hangupBy hangupCode hangupReason hangupCause inQueueTime outQueueTime queueDuration
	intent leaveMsgUrl orderId other recordUrl ringDuration ringTime taskId termSipCode totalCustomerPrice
	startAt answerAt hangupAt legList callerPhone calleePhone callStart callAnswer callEnd callResult`)

const (
	// maxCost is more than any call costs, and few enough digits for decimal text.
	maxCost = 1e12
	// maxCostText is the longest spelling that is kept as it is.
	maxCostText = 32
)

// Convert reads one callback of the source. The errors are *call.NotACall and
// *call.Unreadable.
func Convert(body []byte, src call.Source) (*call.Record, error) {
	o, err := loosejson.Parse(body)
	if err != nil {
		return nil, &call.Unreadable{Reason: err.Error()}
	}
	if event := eventOf(o); event != "" {
		return nil, &call.NotACall{Event: event}
	}
	key := o.ID("callId")
	if key == "" {
		return nil, &call.Unreadable{Reason: withoutIdentity(o)}
	}
	r := &call.Record{
		Schema:   call.SchemaID,
		ID:       call.NewID(src.Name, key),
		Revision: 1,
		Source:   src.Name,
		Format:   Name,
		Raw:      o.Raw(),
	}
	c := conversion{Object: o, Record: r, src: src}
	if isSibling(o) {
		c.sibling()
	} else {
		c.callLog()
	}
	if !c.Has(fields...) {
		c.Warn("no field of a call log")
	}
	r.Warnings = append(r.Warnings, o.Complaints()...)
	return r, nil
}

// conversion is one callback on its way to a record. The steps read what earlier
// ones have set.
type conversion struct {
	*loosejson.Object
	*call.Record
	src call.Source
	// cause is what hangupCode means; the zero Cause where it says nothing.
	cause call.Cause
}

func (c *conversion) callLog() {
	c.kind()
	c.From, c.To = c.party("caller"), c.party("callee")
	c.times()
	c.cause = c.readCause("hangupCode")
	c.answer()
	c.VoicemailURL = c.webURL("leaveMsgUrl")
	c.hangup()
	c.rest()
	c.Derive()
	c.settleTalk("callDuration")
}

func (c *conversion) kind() {
	c.Direction, c.Method = call.UnknownDirection, call.UnknownMethod
	n, ok := c.Int("direction")
	if !ok {
		return
	}
	switch n {
	case 0:
		c.Direction = call.Inbound
	case 1:
		c.Direction = call.Outbound
	case 2:
		c.Direction, c.Method = call.Outbound, call.AIAgent
	default:
		c.Complain("direction", "is none of 0, 1, 2")
	}
}

func (c *conversion) party(key string) call.Party {
	raw := c.Text(key)
	a := phone.Read(c.Plain(key), phone.Reading{
		International: c.src.Numbers != call.National,
		National:      c.src.Numbers != call.International,
		Region:        c.src.Region,
	})
	if a.Other != "" {
		c.Complain(key, "is a valid number with a country code and without: the former counts, unless the source sets numbers")
	}
	return call.Party{Raw: raw, Number: a.Number, SIP: a.SIP, Extension: a.Extension}
}

func (c *conversion) rest() {
	account, nickname := c.Plain("agentName"), c.Text("agentNickName")
	c.Agent = call.Agent{ID: account, Name: cmp.Or(nickname, account), Email: call.Email(account)}
	c.KeysPressed = c.Text("dtmfKeys")
	c.Task = call.Task{ID: c.Plain("taskId"), Intent: c.Text("intent")}
	c.References = call.References{OrderID: c.Plain("orderId"), Custom: c.Plain("other")}
	c.Cost = c.decimal("totalCustomerPrice")
	c.Recording.URL = c.webURL("recordUrl")
}

func (c *conversion) webURL(key string) string {
	u := c.Text(key)
	if u == "" || call.IsWebURL(u) {
		return u
	}
	c.Complain(key, "is no http or https URL")
	return ""
}

// decimal is a number as spelled, unless it is spelled with an exponent, as small
// doubles are.
func (c *conversion) decimal(key string) string {
	s := c.Text(key)
	if s == "" || isDecimal(s) {
		return s
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.Abs(f) > maxCost {
		c.Complain(key, "is no decimal number")
		return ""
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}

// isDecimal says whether s is digits with at most one point between them.
func isDecimal(s string) bool {
	whole, fraction, point := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	return len(s) <= maxCostText && isDigits(whole) && (!point || isDigits(fraction))
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
