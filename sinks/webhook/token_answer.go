package webhook

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// maxTokenAnswer bounds what a token endpoint answers.
const maxTokenAnswer = 64 << 10

// tokenAnswers corrects what token endpoints answer before the OAuth library reads
// it, which takes a whole number of seconds in JSON and nothing else.
type tokenAnswers struct{ wire http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t tokenAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.wire.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxTokenAnswer))
	if err != nil {
		return nil, err
	}
	if corrected, ok := correct(body); ok {
		body = corrected
		resp.Header.Set("Content-Type", typeJSON) // some say text/plain
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return resp, nil
}

// correct rewrites a JSON object: expires_in as whole seconds, left out where it
// makes no sense. The token is then used until it is refused.
func correct(body []byte) ([]byte, bool) {
	var answer map[string]json.RawMessage
	if json.Unmarshal(body, &answer) != nil || answer == nil {
		return nil, false
	}
	if seconds, ok := lifetime(answer["expires_in"]); ok {
		answer["expires_in"] = strconv.AppendInt(nil, seconds, 10)
	} else {
		delete(answer, "expires_in")
	}
	corrected, err := json.Marshal(answer)
	return corrected, err == nil
}

// lifetime reads seconds: a number of any spelling, or a text that is one.
func lifetime(value json.RawMessage) (int64, bool) {
	var text string
	if json.Unmarshal(value, &text) != nil {
		text = string(value)
	}
	seconds, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if math.IsNaN(seconds) || seconds < 1 || err != nil && !math.IsInf(seconds, 1) {
		return 0, false
	}
	return int64(min(seconds, math.MaxInt32)), true
}
