// Package listen bounds what strangers cost an HTTP/1.1 server before one of its
// handlers has seen a whole request: connections and heads.
//
// It guarantees:
//
//   - at most Limits.Max connections are served at a time, and at most
//     Limits.PerAddress of one address (of one /64 for IPv6), unless the address
//     is exempt;
//   - a connection beyond a limit takes the place of the one that has been idle
//     longest, which is closed; where none is idle, the newcomer waits unread
//     until there is a place, and requests that end meanwhile are answered with
//     Connection: close. As many connections wait as may be served; beyond that
//     the one that has waited longest is closed;
//   - a connection is idle while the server waits for its client: for the next
//     request, for the rest of one, or for the client to read an answer. Bytes
//     that arrive pay for time, so that a client that sends a byte now and then
//     is idle since it began. A request that has wholly arrived is never cut off;
//   - a head has at most maxHead bytes and maxLines lines. Lines are counted
//     before net/http parses them: MaxHeaderBytes alone bounds the bytes and not
//     what they cost, and 19 KB of two-byte headers take 0.4 MB. What a client
//     pipelines behind a request is outside this count, and at most 4 KiB.
//
// golang.org/x/net/netutil.LimitListener bounds a number of connections, but
// knows neither addresses nor idleness: a few hundred silent connections would
// keep everybody out.
//
// A Listener may be used by one http.Server. Its methods may be called
// concurrently. It knows nothing of paths, credentials or bodies.
package listen
