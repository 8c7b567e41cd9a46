package infin8linx

import (
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/loosejson"
)

// Name is the format's name in the configuration.
const Name = "infin8linx"

// DefaultZone is the time zone of the vendor's times when the source names none.
const DefaultZone = "Asia/Shanghai"

// FormField is the field of the form that predictive dialling posts.
const FormField = "detail"

// none is how the vendor writes that an echoed value was not given.
const none = "0"

// Convert reads one callback of the source. The errors are *call.NotACall and
// *call.Unreadable.
func Convert(body []byte, src call.Source) (*call.Record, error) {
	o, err := loosejson.Parse(body)
	if err != nil {
		return nil, &call.Unreadable{Reason: err.Error()}
	}
	if event := otherEvent(o); event != "" {
		return nil, &call.NotACall{Event: event}
	}
	key, err := identity(o)
	if err != nil {
		return nil, err
	}
	r := &call.Record{
		Schema:   call.SchemaID,
		ID:       call.NewID(src.Name, key),
		Revision: 1,
		Source:   src.Name,
		Format:   Name,
		Account:  o.Plain("companycode"),
		Raw:      o.Raw(),
	}
	if src.Zone == nil {
		src.Zone = time.FixedZone("", beijing) // package time keeps those without a name
	}
	c := conversion{Object: o, Record: r, src: src}
	c.kind()
	c.times()
	c.answer()
	c.parties()
	c.hangup()
	c.rest()
	r.Derive()
	if !o.Has(fields...) {
		r.Warn("no field of a call log")
	}
	r.Warnings = append(r.Warnings, o.Complaints()...)
	return r, nil
}

// fields are those of a call record besides its identity, the usual ones first.
//
//nolint:gochecknoglobals // a table
var fields = strings.Fields(`starttime billsec callmethod disnumber destnumber direction type answertime endtime duration
	hangupcause hangupdirection extnumber userid crmid memberid customuuid ext chengshudu recordfilename recordurl
	downloadip userkey taskid round`)

// conversion is one callback on its way to a record. The steps read what earlier
// ones have set, in the order of Convert.
type conversion struct {
	*loosejson.Object
	*call.Record
	src call.Source
}

// otherEvent names what the body is when it is no call record. The fields that
// only a call record has come first, for they are never in the others.
func otherEvent(o *loosejson.Object) string {
	switch {
	case o.Has("billsec", "callmethod", "hangupcause"):
		return ""
	case o.Has("buuid", "isbleg") || o.Text("type") == "call":
		return "extension state"
	case o.Has("taskid") && o.Has("status") && !o.Has("id", "uuid"):
		return "task state"
	}
	return ""
}

// identity is the vendor's key: the record's number within the account, else the
// call's uuid.
func identity(o *loosejson.Object) (string, error) {
	company, id := o.Plain("companycode"), o.ID("id")
	if company != "" && id != "" {
		return company + "-" + id, nil
	}
	if uuid := o.ID("uuid"); uuid != "" {
		return uuid, nil
	}
	return "", call.Unreadablef("no identity: an Infin8linx call record has companycode and id, or uuid")
}

func (c *conversion) kind() {
	c.Method = c.method()
	c.Direction = c.direction()
	if c.Method == call.InternalMethod {
		c.Direction = call.Internal
	}
}

func (c *conversion) direction() call.Direction {
	for _, key := range []string{"direction", "type"} { // the form of 2018 has only type
		switch strings.ToLower(c.Text(key)) {
		case "callout":
			return call.Outbound
		case "callin":
			return call.Inbound
		case "":
		default:
			c.Complain(key, "is neither callin nor callout")
		}
	}
	return call.UnknownDirection
}

func (c *conversion) method() call.Method {
	methods := [...]call.Method{
		0: call.UnknownMethod, // "unlimited": says nothing
		1: call.InternalMethod, 2: call.Manual, 3: call.API, 4: call.DoubleCall, 5: call.Predictive, 6: call.IVR,
	}
	switch n, ok := c.Int("callmethod"); {
	case !ok:
	case n >= 0 && n < int64(len(methods)):
		return methods[n]
	default:
		c.Complain("callmethod", "is an unknown method")
	}
	return call.UnknownMethod
}

func (c *conversion) rest() {
	c.Agent = call.Agent{ID: c.firstEchoed("userid", "crmid"), Extension: c.firstEchoed("extnumber")}
	c.Agent.Email = call.Email(c.Agent.ID)
	c.KeysPressed = c.Text("userkey")
	c.References = call.References{
		CustomerID: c.firstEchoed("customuuid"),
		MemberID:   c.firstEchoed("memberid"),
		Custom:     c.firstEchoed("ext", "chengshudu"),
	}
	c.Task.ID = c.firstEchoed("taskid")
	if round := c.Text("round"); c.Task.ID != "" || round != none {
		c.Task.Round = round // a call without a task comes with round 0
	}
	c.recording()
}

// recording keeps the host only beside a file: the vendor names one on every call.
func (c *conversion) recording() {
	if c.Recording.File = c.Text("recordfilename"); c.Recording.File != "" {
		c.Recording.Host = c.Text("downloadip")
	}
	switch u := c.Text("recordurl"); {
	case call.IsWebURL(u):
		c.Recording.URL = u
	case u != "":
		c.Complain("recordurl", "is no http or https URL")
	}
}

// firstEchoed is the first of the values that says anything.
func (c *conversion) firstEchoed(keys ...string) string {
	for _, k := range keys {
		if v := echoed(c.Plain(k)); v != "" {
			return v
		}
	}
	return ""
}

func echoed(v string) string {
	if v == none {
		return ""
	}
	return v
}
