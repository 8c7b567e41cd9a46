package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// answer is what the public listener said to a callback.
type answer struct {
	code int
	took time.Duration
	// status is accepted, duplicate, ignored or refused; another text is none
	// that the demo knows.
	status   string
	id       string
	revision int
	// detail is the reason of a refusal.
	detail string
}

// maxAnswer is more than the public listener says.
const maxAnswer = 64 << 10

// post sends a callback as the platform does.
func (s *stage) post(ctx context.Context, source string, body []byte) (answer, error) {
	url := "http://" + s.app.Addr().String() + path(source)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, fmt.Errorf("post a callback: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	sign(source, req.Header)
	begun := time.Now()
	resp, err := s.client.Do(req)
	if err != nil {
		return answer{}, fmt.Errorf("post a callback: %w", err)
	}
	defer func() { _ = resp.Body.Close() }() // read to its end or not needed
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer{}, fmt.Errorf("post a callback: %w", err)
	}
	a := readAnswer(resp.StatusCode, text)
	a.took = time.Since(begun)
	return a, nil
}

// readAnswer understands both forms of answer.
func readAnswer(code int, text []byte) answer {
	var said struct {
		Status   any    `json:"status"` // a word, or in a problem a number
		ID       string `json:"id"`
		Revision int    `json:"revision"`
		Detail   string `json:"detail"`
	}
	a := answer{code: code}
	if err := json.Unmarshal(text, &said); err != nil {
		a.status = "an answer that is not JSON"
		return a
	}
	a.id, a.revision, a.detail = said.ID, said.Revision, said.Detail
	switch word, isWord := said.Status.(string); {
	case isWord:
		a.status = word
	case code == http.StatusBadRequest:
		a.status = refused
	default:
		a.status = http.StatusText(code)
	}
	return a
}
