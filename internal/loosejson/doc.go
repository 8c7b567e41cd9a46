// Package loosejson reads one JSON object as telephony vendors really send it:
// strict about the syntax, loose about names and types.
//
// The syntax is RFC 8259 and nothing else, in UTF-8; a byte order mark before it is
// trimmed. Exactly one value is allowed, at most MaxBytes long and MaxDepth levels deep. A syntax error says
// where it is and what was expected there, because an operator reads it.
//
// Keys are found without regard to (ASCII) case, and of two equal ones the last
// wins. Any scalar may come as a string, a number, a boolean or null: the
// reader asks for the type it needs. Numbers stay as they were spelled, so an id
// above 2^53 is unharmed. A value that cannot be what the reader asked for is
// no error: it reads as absent, and Complaints says so.
//
// It has a parser of its own because encoding/json needs several passes for the
// same: one to validate, one to compact, one to decode, and one more to find the
// line of an error. The fuzzer holds it to encoding/json's opinion.
//
// An Object belongs to one goroutine, for it gathers complaints while it is read.
package loosejson
