// Package nxcc reads the call log push of NXCC, the call centre of NXCloud, and checks
// its signature.
//
// Convert and Digest are pure: no clock, no network, no state. They may be called
// concurrently.
//
// Every field of the push may be missing but callId. A body without one is
// *call.Unreadable; a state event of the platform is *call.NotACall. Nothing else
// makes a call unreadable: what cannot be understood is left out and named in the
// record's warnings.
//
// What the vendor's documents leave open is decided here:
//
//   - Times are milliseconds. One outside the years 2000 to 2099 is no time.
//   - Answered is the flag; without it, a time of answer, else a duration, else a code
//     of answered calls.
//   - The talk time is computed from answer and end. callDuration counts only
//     where they are missing: it is 7 in the published example, where the times
//     say 21.
//   - hangupCode is of the vendor's own list (codes.go), which only its query page
//     has. How an unanswered call ended is settled by call.Conclude. On answered
//     calls termSipCode and hangupCause may be those of another leg.
//   - The side of the code comes before hangupBy: the vendor's own examples
//     contradict themselves, and the reason in words sides with the code.
//   - The queue's seconds come from its times: queueDuration is in seconds in one
//     published record and in milliseconds in another.
//   - Direction 2 is a task of the AI call centre: outbound, method ai_agent.
//   - agentName is an account name: it is the agent's id, and the name as well
//     where there is no agentNickName.
//
// The sibling products post to the same account. A record of PNS or of the AI agent
// becomes one with the warning "not an NXCC body", from those fields whose meaning
// their own documents say: parties, times (in seconds there), talk time, end,
// recording. It has no direction, and so no customer. Where PNS sends legs, the one
// to the called party counts: the platform itself answers the first one.
package nxcc
