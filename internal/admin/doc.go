// Package admin is the private listener: health, metrics, and the API for the
// people and tools that run cdrelay.
//
// It guarantees:
//
//   - /healthz, /readyz and /metrics are open to whoever reaches the address;
//     /healthz never depends on the disk or on a sink;
//   - everything else needs the token, where there is one (Bearer, or HTTP Basic
//     with the token as password, compared in constant time). Without a token it
//     is served on a loopback address only, to requests whose Host is loopback
//     (DNS rebinding), and answers 403 with the remedy elsewhere;
//   - changes are refused to a page of another origin;
//   - errors are problem+json, listings {"items": […], "next_cursor": "…"}.
//
// Handlers are safe for concurrent use and hold no state but what they are given.
package admin
