// Package intake is the public listener: it takes callbacks of telephony
// platforms over HTTP and answers 200 only when the store has them on the disk.
//
// It owns the configuration of a source, its doors (authentication and
// addresses), the decoding of a body down to one JSON text, the answers, and
// the metrics of callbacks and rules. Formats, rules and the store are handed
// in.
//
// It guarantees:
//
//   - 200 "accepted" or "duplicate" only after Store.Accept returned without an
//     error; when the store cannot take a call, the answer is 503 with
//     Retry-After;
//   - a source without a door cannot be built, and nothing of a request that
//     did not pass the doors is parsed, stored or logged above debug; it leaves
//     a count in callbacks_total, and for a while the sender's address and the
//     reason in memory, of the last few (Activity);
//   - the doors stand in this order: path 404, method 405, address 403,
//     credentials 401; an unknown path is not told which ones exist;
//   - an authentic body that cannot be understood is kept, then answered 400;
//     when it cannot be kept, 503. A converter that panics is such a case: the
//     panic is logged, the body kept;
//   - a body is at most 1 MiB, as sent and after gunzip. The memory of callbacks is
//     bounded in bytes: while a body comes in by what has arrived, so that slow
//     senders hold only what they have sent, and then, before it is converted, by
//     all that it will take until it is answered. No source, authenticated or open,
//     can take more than half. A callback that waits longer than five seconds for
//     room gets 503. HTTP/1.1 only, because the buffers of HTTP/2 streams would
//     stand outside the bound.
//   - connections and heads are bounded by internal/listen: how many are served, of
//     one address too, and who gives way to whom.
//
// All methods of Handler and Server may be called concurrently. Update swaps
// sources, rules and proxies at once: each request sees one set from beginning
// to end, and none is refused because of the swap. Metrics of sources and rules
// that are gone leave with the swap; requests still in flight do not bring them
// back.
//
// W3C trace context of an authentic callback is kept with its call, or that of
// the callback's own span where a Tracer records.
//
// A callback that has wholly arrived is stored even when its sender has gone:
// the sender will push it again, and it is then a duplicate.
//
// Redeem takes a kept callback the same way again, past the doors.
//
// It knows no vendor: what a format needs of a form, a character set or a signature is
// declared in the format's row (call.Format). It knows no country codes either and does
// not poll files for changes.
package intake
