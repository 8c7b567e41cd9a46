package outbound

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"time"

	"github.com/hashicorp/go-retryablehttp"
	"golang.org/x/net/http/httpguts"
)

// Request is one exchange to make. It is not changed, Hidden aside, and may be made
// again.
type Request struct {
	// Name tells the request from others of its Series; may be empty.
	Name        string
	Method, URL string
	Header      http.Header
	Body        []byte
	// FixedURL says that the URL is the same for every call: then 301, 308, 404, 405
	// and 410 mean that the address is wrong, not this call.
	FixedURL bool
	// Hidden are texts in it that are removed from all that is kept and shown, beside
	// the secrets of the Transport: what came of a secret. Prepare may set new ones.
	Hidden []string
	// Prepare is called before each wire try, the first too, with a request whose
	// headers are its own: for signatures with a fresh timestamp, and for tokens. Its time
	// counts for `timeout`, and its failure for the breaker. A Failure says what
	// it means; any other error is Connect or Timeout when it is a net.Error,
	// else Credentials.
	Prepare func(ctx context.Context, r *http.Request) error
	// Incidental: a success says nothing about the sink's health.
	Incidental bool
	// Withheld: the request is not sent. It counts as delivered, and its Try shows it.
	Withheld bool
	// Delivery names what the request is made for. The breaker counts different
	// ones; those without a name all count.
	Delivery string
	// Quick reports whether a quick try may follow one that failed; nil is yes.
	Quick func() bool
	// Doubtful reports, after a try that failed, whether others are delivered all
	// the same: then the failure says nothing about the sink. Nil is no.
	Doubtful func() bool
	// Preview shows what Prepare would set, with Mask for what is secret or has
	// to be fetched; nil where Prepare is. It uses no network.
	Preview func(w *Wire)
	// Read says what an answer means; nil is Standard.
	Read func(Answer) Verdict
	// Renew is asked on Credentials, once in each Do: true says that new
	// credentials can be had, and one more try follows at once. The refusal of
	// the old ones then does not count for the breaker.
	Renew func(Answer) bool
}

// Try is one try on the wire.
type Try struct {
	// Name is the Request's.
	Name     string
	At       time.Time
	Duration time.Duration
	// Status is 0 when no headers came.
	Status  int
	Meaning Meaning
	// Detail is at most 2 KiB of text for the operator, secrets removed.
	Detail string
	// Warning is the verdict's.
	Warning string
	// Headers are those of the answer that help to find out what went wrong, and
	// Sent is what was sent; both only where the try did not deliver, or was withheld.
	Headers map[string]string
	Sent    *Sent
}

// Outcome is the end of an exchange: the verdict of the last try that ended,
// and all tries. BreakerOpen and Canceled have no tries: where some were made
// before the breaker opened or the context ended, the verdict is theirs.
// Rejected without a try is a request that cannot be sent at all.
type Outcome struct {
	Verdict
	Tries []Try
}

// build makes the request for the library, which rewinds its body. Its headers
// are empty: net/http would copy them in case of a redirect, and none is
// followed. Errors never hold the URL.
func (r *Request) build(ctx context.Context) (*retryablehttp.Request, error) {
	var body any
	if len(r.Body) > 0 {
		body = r.Body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, r.Method, r.URL, body)
	if _, unread := errors.AsType[*url.Error](err); unread || err == nil && !isWeb(req.URL) {
		return nil, errors.New("the URL cannot be used: it needs http:// or https:// and a host")
	}
	if err != nil {
		return nil, errors.New(withoutURL(err))
	}
	if err := checkHeader(r.Header); err != nil {
		return nil, err
	}
	req.Host = r.Header.Get("Host") // net/http reads it from nowhere else; "" is the URL's
	return req, nil
}

func isWeb(u *url.URL) bool {
	return u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

// header is a copy of the headers, in which we are named.
func (r *Request) header(userAgent string) http.Header {
	h := r.Header.Clone()
	if h == nil {
		h = http.Header{}
	}
	nameUs(h, userAgent)
	return h
}

// checkHeader finds what net/http would refuse on the wire, where it would look
// like a fault of the sink. It names the header and never its value.
func checkHeader(h http.Header) error {
	for name, values := range h {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("%q is no name for a header", name)
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return fmt.Errorf("header %s holds a line break or another control character",
					textproto.CanonicalMIMEHeaderKey(name))
			}
		}
	}
	return nil
}
