package outbound

import (
	"time"

	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// notSent is the warning of a try that was withheld.
const notSent = "shadow: the request was not sent"

// withheld is the outcome of a request that is not sent: it is shown, and nothing
// else.
func (c *Client) withheld(r *Request) Outcome {
	w := Wire{Method: r.Method, URL: r.URL, Body: r.Body, Header: r.header(c.userAgent), Hidden: r.Hidden}
	if r.Preview != nil {
		r.Preview(&w)
	}
	redact := c.redact.hiding(w.Hidden)
	return Outcome{
		Verdict: Verdict{Meaning: Delivered, Warning: notSent},
		Tries: []Try{{
			Name: r.Name, At: time.Now(), Meaning: Delivered, Warning: notSent, Sent: &Sent{
				Method: w.Method,
				URL:    plaintext.Cut(plaintext.Blank(redact.url(w.URL)), maxDetail),
				Body:   redact.clean(string(w.Body[:min(len(w.Body), 2*maxSentBody)]), maxSentBody),
			},
		}},
	}
}
