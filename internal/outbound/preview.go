package outbound

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/cdrelay/cdrelay/internal/secret"
)

// Mask stands wherever a secret would be shown.
const Mask = mask

// Wire is a request as one try puts it on the wire.
type Wire struct {
	Method, URL string
	Header      http.Header
	Body        []byte
	// Hidden are those of the Request.
	Hidden []string
}

// Preview gives the request as a try would make it, without making one: it uses
// no network. What only a try has (a signature, a token that is fetched) stands
// as Mask. All other secrets are in it; see Shown. The error is that of a request
// that cannot be sent at all, and holds no URL.
func (t Transport) Preview(ctx context.Context, r *Request) (Wire, error) {
	req, err := r.build(ctx)
	if err != nil {
		return Wire{}, err
	}
	w := Wire{Method: req.Method, URL: req.URL.String(), Header: r.header(t.userAgent()), Body: r.Body, Hidden: r.Hidden}
	if r.Preview != nil {
		r.Preview(&w)
	}
	return w, nil
}

// Shown gives a copy for people to see, with the secrets of the Transport masked
// in every spelling. Of a URL that is a secret the host stays, and what templates
// put into it.
func (t Transport) Shown(w Wire) Wire {
	r := newRedactor(t.Secrets).hiding(w.Hidden)
	out := Wire{Method: w.Method, URL: r.url(w.URL), Header: make(http.Header, len(w.Header)), Body: []byte(r.remove(string(w.Body)))}
	for name, values := range w.Header {
		for _, v := range values {
			out.Header[name] = append(out.Header[name], r.remove(v))
		}
	}
	return out
}

// url masks what comes after the host, and the user info.
func (r *redactor) url(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return r.remove(text)
	}
	user := ""
	if u.User != nil {
		user = mask + "@"
	}
	rest := r.remove(u.RequestURI())
	if !strings.HasPrefix(rest, "/") {
		rest = "/" + rest
	}
	return u.Scheme + "://" + user + u.Host + rest
}

// Redact masks secrets in a text, in every spelling in which they are known to
// be echoed. Unlike what is kept with a try, the text is not cut.
func Redact(text string, secrets ...secret.Value) string {
	return newRedactor(secrets).remove(text)
}
