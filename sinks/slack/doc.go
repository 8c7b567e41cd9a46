// Package slack tells a Slack channel about a call, through an incoming webhook
// or through chat.postMessage.
//
// It owns the message (a Block Kit summary by default, or the configured text
// and blocks) and what Slack's answer means. It guarantees:
//
//   - nothing taken from a call is read as markup, in configured text and blocks as
//     in the default message: every value is one line in which no mention, link or
//     format can be smuggled in, and that keeps its reading direction. A value is an
//     address only where the configuration makes a link of it: <${…}|text>, and
//     keys such as url;
//   - the limits of Block Kit are kept by shortening, never by failing, in
//     configured blocks too: a text that a call leaves empty, and a link that
//     is no http or https link, are left out, because Slack would refuse the
//     whole message for one of them;
//   - a failure that Slack hides in a 200 is seen: a webhook has delivered only
//     with status 200 and the body `ok`, the API only with `"ok":true`;
//   - links are not unfurled: Slack would fetch recordings for a preview.
//
// Lengths are counted in UTF-16 units of the text as sent, entities included,
// the strictest reading of Slack's "characters".
//
// A Sink is immutable and safe for concurrent use. It does not send, wait or
// retry; internal/outbound does. Slack has no idempotency: a delivery that is
// repeated after a crash shows twice.
package slack
