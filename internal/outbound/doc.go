// Package outbound makes one hardened HTTP exchange with a sink and says what
// its answer means.
//
// A Client belongs to one sink. It owns that sink's connections and breaker, so
// a failing sink costs its neighbours nothing. Do makes one wire try and, when
// the sink looks unwell, a few quick ones within two seconds; hours and days of
// retrying belong to the durable schedule of the spool, because a sleeping
// goroutine is not a queue.
//
// It guarantees:
//
//   - every wire try ends within the setting `timeout`, whatever the sink does:
//     credentials, dialling, TLS, headers and body share that one budget;
//   - bodies are read up to 64 KiB, packed or not, and headers up to 64 KiB,
//     redirects are not followed, and TLS certificates are verified;
//   - one try sends one request: net/http repeats nothing by itself, and opens a
//     bounded number of connections; connections are renewed within five minutes;
//   - the breaker sees each wire try with its body, and counts only what speaks
//     of the sink: not our own shutdown, not a pause that the sink asked for,
//     not a request that the sink refused for its content;
//   - a rejection by an open breaker is no try and is not retried;
//   - Retry-After never makes this package sleep: it is clamped to between a
//     second and an hour and handed to the caller;
//   - no text that a Try keeps holds a secret of the Transport, the credentials of
//     the request or a control character; no Detail holds the path, query or user
//     info of the URL in an error; none is longer than 2 KiB, a body 4 KiB.
//
// Preview and Shown say what would go on the wire, without the network and with
// secrets masked.
//
// Proxies: HTTP_PROXY, HTTPS_PROXY and NO_PROXY are honoured, as operators
// expect. With DenyPrivate they are not, because then the address that is
// dialled would be the proxy's, and its check would prove nothing.
//
// All methods of Client are safe for concurrent use, Inherit excepted, which is
// called before the first Do. No goroutine is started but those of net/http.
//
// The package does not log, keep metrics, render requests or schedule. It uses
// go-retryablehttp for the quick tries (it rewinds the body) and gobreaker for
// the breaker (it has a rolling window). Both have traps; each has a test here
// that is named after it.
package outbound
