package call

// Direction is the way of a call as the call centre sees it.
type Direction string

// The directions.
const (
	Inbound          Direction = "inbound"
	Outbound         Direction = "outbound"
	Internal         Direction = "internal"
	UnknownDirection Direction = "unknown"
)

// Directions returns all directions.
func Directions() []Direction { return []Direction{Inbound, Outbound, Internal, UnknownDirection} }

// Method is how a call was set up.
type Method string

// The methods.
const (
	Manual         Method = "manual"
	API            Method = "api"
	DoubleCall     Method = "double_call"
	Predictive     Method = "predictive"
	IVR            Method = "ivr"
	InternalMethod Method = "internal"
	AIAgent        Method = "ai_agent"
	UnknownMethod  Method = "unknown"
)

// Methods returns all methods.
func Methods() []Method {
	return []Method{Manual, API, DoubleCall, Predictive, IVR, InternalMethod, AIAgent, UnknownMethod}
}

// Outcome is how a call ended.
type Outcome string

// The outcomes.
const (
	Answered       Outcome = "answered"
	NoAnswer       Outcome = "no_answer"
	Busy           Outcome = "busy"
	Rejected       Outcome = "rejected"
	Canceled       Outcome = "canceled"
	Unreachable    Outcome = "unreachable"
	InvalidNumber  Outcome = "invalid_number"
	Blocked        Outcome = "blocked"
	Congestion     Outcome = "congestion"
	Failed         Outcome = "failed"
	Voicemail      Outcome = "voicemail"
	UnknownOutcome Outcome = "unknown"
)

// Outcomes gives all outcomes.
func Outcomes() []Outcome {
	return []Outcome{
		Answered, NoAnswer, Busy, Rejected, Canceled, Unreachable, InvalidNumber, Blocked, Congestion, Failed, Voicemail, UnknownOutcome,
	}
}

// HangupBy is the side that ended a call.
type HangupBy string

// The sides.
const (
	ByAgent    HangupBy = "agent"
	ByCustomer HangupBy = "customer"
	ByCaller   HangupBy = "caller"
	ByCallee   HangupBy = "callee"
	ByPlatform HangupBy = "platform"
	ByUnknown  HangupBy = "unknown"
)

// HangupSides returns all sides that can end a call.
func HangupSides() []HangupBy {
	return []HangupBy{ByAgent, ByCustomer, ByCaller, ByCallee, ByPlatform, ByUnknown}
}
