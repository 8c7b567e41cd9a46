package spool

import "time"

// Attempt is one try to make a delivery, as the operator sees it.
type Attempt struct {
	At time.Time `json:"at"`
	// Step names the request, where a delivery takes several.
	Step     string        `json:"step,omitempty"`
	Duration time.Duration `json:"-"`
	// Millis is Duration in milliseconds.
	Millis int64 `json:"duration_ms"`
	// Status is the HTTP status, 0 where no answer came.
	Status int    `json:"status,omitempty"`
	Result string `json:"result"`
	// Detail is a piece of the answer or the error, without secrets.
	Detail string `json:"detail,omitempty"`
	// Warning says why Result is not certain.
	Warning string `json:"warning,omitempty"`
	// Headers are those of the answer that help to find out what went wrong.
	Headers map[string]string `json:"headers,omitempty"`
	// Request is what was sent, where it did not deliver.
	Request *Sent `json:"request,omitempty"`
	// NextAt is when the next attempt was planned for.
	NextAt *time.Time `json:"next_at,omitempty"`
}

// Sent is a request as it may be kept, without secrets.
type Sent struct {
	Method string `json:"method"`
	URL    string `json:"url"`
	// Body is its beginning.
	Body string `json:"body,omitempty"`
}
