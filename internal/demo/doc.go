// Package demo shows the whole way of a call in one process, with no
// configuration: stand-ins for a CRM and Slack that fail now and then, and for HubSpot
// with its contacts, sample callbacks of both telephony platforms, and a trace of what
// becomes of them.
//
// Only the platforms, the CRM, HubSpot and Slack are stand-ins. The callbacks are posted
// over HTTP to the public listener of a whole server, which runs a configuration
// like any other and keeps its calls in a spool on the disk. The trace tells
// nothing but what was observed: the HTTP answers, the records, deliveries and
// attempts in the spool, the decision of the configured rules, and the notes that
// the stand-ins took of what reached them.
//
// The stand-ins fail by the count of requests, so that every run meets the same
// failures; only the waits between tries are random, as they are in earnest.
//
// Everything lies in one temporary folder and listens on loopback addresses only;
// when Run returns, the folder, the listeners and all goroutines are gone. Run may
// be called several times at once. Telephone numbers are masked in all that it
// prints.
package demo
