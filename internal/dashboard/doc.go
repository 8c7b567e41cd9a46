// Package dashboard is the page of the private listener: what came in, what was
// delivered, what waits and why, in words a person understands, and the buttons
// to put it right.
//
// It is rendered on the server from embedded templates, with one stylesheet and
// one small script, and works without the script; nothing is fetched from
// another host, and the Content-Security-Policy says so to the browser. All
// values pass through html/template, which escapes them for their place.
// Times are in the zone of the browser, which the script knows; without it in the
// configured one. Telephone numbers are masked until the reader asks for them with
// ?numbers=show; the choice is in the address and is kept nowhere.
//
// # Changes
//
// Every change is a POST from a form, answered by a redirect (303). There is no
// cookie and no session: who may come in is decided before this handler, by the
// doors of the private listener (loopback, or HTTP Basic). A browser sends Basic
// credentials with a request that another site begins, so the defence against
// forged requests is the doors' check of Sec-Fetch-Site and Origin. For that
// check the pages are served with Referrer-Policy same-origin: under no-referrer
// a browser sends "Origin: null" with its own forms where it sends no
// Sec-Fetch-Site, over plain HTTP. A handler of this package must not be served
// without those doors.
//
// # State
//
// The only state is a ring of one-minute samples for the pictures of the last
// hour; it is lost at a restart, Prometheus keeps the long view. Handlers and
// Run may be used concurrently. The package decides nothing about calls:
// internal/operate reads the store and does what the buttons say.
package dashboard
