// Package admin is the private listener: health, metrics, and the API for the
// people and tools that run cdrelay.
//
// It guarantees:
//
//   - /healthz, /readyz and /metrics are open to whoever reaches the address;
//     /healthz never depends on the disk or on a sink. On loopback without a token
//     all but /healthz want a loopback Host (DNS rebinding);
//   - everything else needs the token, where there is one (Bearer, or HTTP Basic
//     with the token as password, compared in constant time). Wrong ones are
//     answered slower and slower. Without a token it is served on a loopback
//     address only, and answers 403 with the remedy elsewhere;
//   - 64 connections are served at a time, with bounded heads (internal/listen);
//   - changes are refused to a page of another origin;
//   - errors are problem+json, listings {"items": […], "next_cursor": "…"}.
//
// The handlers read requests and write answers; internal/operate does the work and owns
// the forms of the answers.
//
// Handlers are safe for concurrent use and hold no state but what they are given.
package admin
