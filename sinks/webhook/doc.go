// Package webhook delivers calls to any HTTP endpoint: a CRM's API, an
// automation tool, one's own service.
//
// It owns the `webhook` section of a sink, the request that it makes of a call
// record (URL, method, headers, body, envelope) and what an answer means where
// the configuration says so (`retry_if`, `success`). It guarantees:
//
//   - every try carries webhook-id and Idempotency-Key, and with `sign` a
//     signature of Standard Webhooks 1.0.0 with the time of that very try, one
//     for each secret, so that a secret can be rotated without a gap;
//   - values from a call are escaped for their place: they cannot leave the
//     path or query of the URL, end a header line, or break JSON or a form;
//   - plain texts are templates, values from {env: …} and {file: …} never are,
//     `url` aside;
//   - OAuth2 tokens are fetched once for all workers, kept until shortly before
//     they expire, and fetched anew after a 401, but not in a loop;
//   - no secret, and no access token, appears in an error or in what is kept of
//     an answer.
//
// With `envelope: cloudevents` the body is a structured CloudEvents 1.0 event
// whose data is the body:
//
//	id      the record's id; from revision 2 on "<id>/<revision>", so that
//	        source and id name one revision of one call ("/" is in no record id)
//	source  /cdrelay/sources/<source>
//	type    com.github.cdrelay.call.v1
//	subject the record's id, the same for every revision
//	time    when the call ended, else started, else was received
//
// An answer is read in the order `address_if`, `pause`, `retry_if`, `success`
// (outbound.Conventions). `success` that holds is delivered, whatever the status (a
// CRM that answers 400 "duplicate"); `success` that fails on a 2xx is a wrong request,
// unless it asked for a part of the answer that could not be read; on everything else
// the standard table of internal/outbound applies.
//
// A Sink is safe for concurrent use. Its only state is the access token.
package webhook
