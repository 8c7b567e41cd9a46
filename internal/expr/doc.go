// Package expr owns the expressions of the configuration: CEL conditions over a
// call record or over a sink's answer, and texts, trees and URLs that hold
// ${CEL}.
//
// # What it guarantees
//
// Everything is parsed, type-checked against the call record's JSON field names
// and compiled once, when the configuration is loaded; a misspelt field is an
// error then, and names the field that was probably meant. What is compiled is
// immutable and safe for concurrent use. An evaluation reads the record through
// accessors, without a copy of it; it neither changes the record nor keeps it,
// has no clock, no network and no state, and its cost is bounded.
//
// # Absence
//
// Absent strings, objects and lists read as empty, so call.customer.number is
// always safe. Absent numbers and times have no value, nor has a key that
// call.raw lacks: a condition that needs one is false and reports it (CEL's ||
// and && still decide without it where they can). has() tells a field that is
// absent from one that is zero.
//
// In templates a string that is one whole ${…} keeps its type: booleans,
// numbers, lists, maps and null stay what they are, a time becomes RFC 3339
// text in UTC with milliseconds, a duration text such as "90s", an object of
// the record its JSON form. Such a string without a value, or with the empty
// string as its value, is not present: a mapping omits the key, a sequence the
// element. A mapping, and an element of a sequence, is not present either where all
// that its templates give is absent, or where its condition, under the key `when`,
// does not hold. An absent list is an empty list and an absent object an empty
// object. Within a longer text what has no value is empty. Any other failure
// (a division by zero, a type that does not fit) is an error. $${ is a literal
// ${.
//
// # Raw
//
// call.raw is decoded only when an expression touches it. A number in it is an
// int when it is spelled as an integer and fits 64 bits, else a double. A
// template that is nothing but a path into call.raw, such as
// ${call.raw.user["id"]}, and every object or list of it, is written as the
// vendor spelled it, so that no digit of a long id is lost.
//
// # Functions
//
// Besides CEL's own and its strings extension there are those that
// docs/configuration.md lists: of times, of texts, of bytes, and summary(call).
// What is written as a literal (a zone, a layout, a markup) is checked when the
// expression is compiled. table(name, key) asks the Lookup of the view. The package
// needs the time zone database but does not carry it: the program imports
// time/tzdata.
//
// # Cost
//
// All expressions over one View share one bound of cost, which is one of work and
// never of time: the same input has the same outcome on every machine. Beyond it is
// ErrCost. Functions whose work or result can be far larger than what they are given
// are checked before they run (bounded.go), and matches sees the first 2 KiB of a
// text. What is rendered is bounded in bytes while it is written.
package expr
