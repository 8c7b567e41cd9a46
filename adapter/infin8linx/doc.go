// Package infin8linx reads the call record callbacks of Infin8linx (engine
// Yunhu): the current form, the legacy one, and the camelCase one of 2018, told
// apart by nothing because keys are found without regard to case.
//
// Convert is pure: no clock, no network, no state. It may be called concurrently.
//
// What is no call record is a *call.NotACall: the extension state and the
// dialling task share the callback's URL. A body without an identity (companycode
// and id, else uuid) is *call.Unreadable. Nothing else makes a call unreadable:
// what cannot be understood is left out and named in the record's warnings.
//
// The vendor's words mean less than they seem to:
//
//   - Answered is billsec > 0. answertime is filled on some cancelled calls, so
//     it counts only on answered ones.
//   - duration is the time to answer, neither the talk nor the total. Where the
//     times contradict it, the times win: it is 0 on calls that rang for long.
//   - Times have no zone. They are Beijing time unless the source says otherwise;
//     a version 1 uuid holds the true time, and warns of a wrong zone.
//   - "0" in an echoed field means that the caller of the API gave nothing.
//   - Numbers are national, without country code or with a trunk 0.
//
// Who is who. The vendor documents disnumber as the calling and destnumber as
// the called number, without a word about the direction. So from is disnumber and
// to is destnumber also for inbound calls, where the customer calls. One
// exception: the account's own lines are called 21<companycode> and three or four
// digits from zero on, such as 219513923001, and no customer calls from one. An
// inbound record with such a disnumber shows the line that was called, and the two
// change places. An own line is never read as a telephone number, although it may be
// a valid one in Jakarta (area code 21).
//
// What the caller of the API passed through: customuuid is its id of the customer,
// memberid that of the member, and ext, else chengshudu, anything else.
package infin8linx
