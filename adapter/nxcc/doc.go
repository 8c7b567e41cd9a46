// Package nxcc reads the call log push of NXCC, the call centre of NXCloud.
//
// Convert is pure: no clock, no network, no state. It may be called concurrently.
//
// Every field of the push may be missing but callId. A body without one is
// *call.Unreadable; a state event of the platform is *call.NotACall. Nothing else
// makes a call unreadable: what cannot be understood is left out and named in the
// record's warnings.
//
// What the vendor's documents leave open is decided here:
//
//   - Times are milliseconds. One outside the years 2000 to 2099 is no time.
//   - Answered is the flag; without it, a time of answer.
//   - The talk time is computed from answer and end. callDuration counts only
//     where they are missing: it is 7 in the published example, where the times
//     say 21.
//   - hangupCode has no published list. A number that Q.850 knows is taken for
//     its cause, as at the sibling product PNS, and stands in hangup.q850; a final
//     SIP status (400 to 699) gives an outcome, but no q850. Cause 16 on an
//     unanswered call is canceled when the calling side hung up, else no_answer.
//   - Without a code, an unanswered call that rang is no_answer, and one that left
//     a message is voicemail whatever the code.
//   - Direction 2 is a task of the AI call centre: outbound, method ai_agent.
//   - agentName is an account name: it is the agent's id, and the name as well
//     where there is no agentNickName.
//
// The sibling products post to the same account. What has a callId becomes a
// record with the warning "not an NXCC body", from those fields whose meaning
// their own documents give: parties, times (in seconds there), talk time,
// recording. It has no direction, and so no customer.
package nxcc
