// Package call owns the canonical call record, cdrelay.call/v1: its fields,
// its JSON form and JSON Schema, its identity, and how its numbers are masked; and
// the row in which a format declares how its callbacks become records.
//
// Everything between a vendor's callback and a sink speaks this record and
// nothing else, so the package imports none of ours and holds no policy: an
// adapter fills a Record, a rule reads it, a sink renders it.
//
// It guarantees:
//
//   - absent means unknown: an int that nobody measured is nil, a time that
//     nobody knows is the zero Time, and neither appears in the JSON;
//   - times are UTC with milliseconds, durations whole seconds;
//   - identities are pure functions of the content: the same callback gives
//     the same id, content hash and message id on every replica, for ever;
//   - a Record logged through slog never shows a whole telephone number.
//
// A Record is a plain value without locks. Once accepted it is not changed.
package call
