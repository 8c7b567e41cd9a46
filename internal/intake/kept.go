package intake

import (
	"net/http"
	"net/url"

	"github.com/cdrelay/cdrelay/internal/spool"
)

const (
	contentType     = "Content-Type"
	contentEncoding = "Content-Encoding"
)

// kept returns what must be kept with a body so that it can be read again: some
// headers, and the query without the secret that opened the door.
func (x *exchange) kept(headers []string) spool.Request {
	query := x.request.URL.Query()
	query.Del(x.source.secretParameter)
	kept := spool.Request{Query: query.Encode()}
	for _, name := range headers {
		if value := x.request.Header.Get(name); value != "" {
			if kept.Header == nil {
				kept.Header = make(map[string]string)
			}
			kept.Header[name] = value
		}
	}
	return kept
}

// again makes a request of what was kept of one.
func again(kept spool.Request) *http.Request {
	r := &http.Request{Header: make(http.Header), URL: &url.URL{RawQuery: kept.Query}}
	for name, value := range kept.Header {
		r.Header.Set(name, value)
	}
	return r
}
