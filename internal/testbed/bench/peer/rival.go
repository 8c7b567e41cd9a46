package peer

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
)

// Bare decodes the JSON of a callback and answers: what intake would be if it
// checked, converted and kept nothing.
func Bare() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var callback map[string]any
		if err == nil {
			err = json.Unmarshal(body, &callback)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"status":"accepted"}`+"\n") // the generator would notice
	})
}

// Proxy hands each request on to the sink: a relay that keeps nothing. It keeps
// that many connections to the sink; 0 is httputil.ReverseProxy as it comes, with
// http.DefaultTransport, which keeps two and opens the others anew.
func Proxy(target *url.URL, connections int) http.Handler {
	p := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}
	if connections > 0 {
		p.Transport = &http.Transport{MaxIdleConns: connections, MaxIdleConnsPerHost: connections, DisableCompression: true}
	}
	return p
}
