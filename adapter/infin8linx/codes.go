package infin8linx

import "github.com/cdrelay/cdrelay/internal/call"

// The two codes that hangupdirection should have. They may be in hangupcause, as
// every other code may be in hangupdirection: the vendor has one code space.
const (
	callerHungUp = 10040
	calleeHungUp = 10041
)

// Causes are the vendor's hang-up codes as public code has them, with this
// project's reading of each.
//
//nolint:gochecknoglobals // a table
var Causes = call.Causes{
	{Code: 10001, Reason: "normal hang-up", Outcome: call.NoAnswer, Q850: 16},
	{Code: 10002, Reason: "call cancelled", Outcome: call.Canceled, Q850: 16},
	{Code: 10003, Reason: "refused", Outcome: call.Rejected, Q850: 21},
	{Code: 10004, Reason: "outbound line failed", Outcome: call.Failed},
	{Code: 10005, Reason: "user did not answer", Outcome: call.NoAnswer},
	{Code: 10006, Reason: "user busy", Outcome: call.Busy, Q850: 17},
	{Code: 10007, Reason: "server hung up", Outcome: call.Failed, Q850: 31},
	{Code: 10008, Reason: "extension not registered", Outcome: call.Unreachable, Q850: 20},
	{Code: 10009, Reason: "destination unreachable", Outcome: call.Unreachable, Q850: 3},
	{Code: 10011, Reason: "timer expired", Outcome: call.NoAnswer, Q850: 102},
	{Code: 10012, Reason: "callback interface error", Outcome: call.Failed, Q850: 41},
	{Code: 10013, Reason: "extension does not exist", Outcome: call.InvalidNumber, Q850: 1},
	{Code: 10014, Reason: "not found", Outcome: call.InvalidNumber, Q850: 1},
	{Code: 10015, Reason: "request timeout", Outcome: call.NoAnswer, Q850: 102},
	{Code: 10016, Reason: "nobody answered", Outcome: call.NoAnswer, Q850: 19},
	{Code: 10017, Reason: "call no longer valid", Outcome: call.Failed, Q850: 31},
	{Code: 10019, Reason: "home location unknown", Outcome: call.Failed, Q850: 31},
	{Code: 10020, Reason: "other", Outcome: call.UnknownOutcome, Q850: 31},
	{Code: 10024, Reason: "bad request", Outcome: call.Failed},
	{Code: 10025, Reason: "call forbidden", Outcome: call.Blocked},
	{Code: 10027, Reason: "number changed", Outcome: call.InvalidNumber, Q850: 22},
	{Code: 10028, Reason: "call intercepted", Outcome: call.Blocked, Q850: 21},
	{Code: 10031, Reason: "unknown", Outcome: call.UnknownOutcome, Q850: 31},
	{Code: callerHungUp, Reason: "caller hung up", Outcome: call.Canceled},
	{Code: calleeHungUp, Reason: "callee hung up", Outcome: call.Rejected},
}
