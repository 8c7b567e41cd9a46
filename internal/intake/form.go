package intake

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/url"

	"github.com/cdrelay/cdrelay/internal/call"
)

// detailField is the one field of a form that holds the callback.
const detailField = "detail"

const (
	multipartType  = "multipart/form-data"
	urlencodedType = "application/x-www-form-urlencoded"
)

// Unwrap gives the callback inside a body: the body itself without a byte order
// mark, or the field `detail` of a multipart or urlencoded form. The body says
// more about itself than its Content-Type, which some platforms set wrong: what
// begins like JSON is JSON, what begins like a form is a form, even with no
// Content-Type at all. So a body that was kept can be unwrapped again without
// its headers. An error is a *call.Unreadable.
//
// A body that is neither comes back as it is; its adapter says what is wrong.
func Unwrap(contentType string, body []byte) ([]byte, error) {
	body = trimMark(body)
	start := bytes.TrimLeft(body, " \t\r\n")
	switch {
	case len(start) == 0:
		return nil, call.Unreadablef("the body is empty: a JSON object is expected")
	case start[0] == '{' || start[0] == '[':
		return body, nil
	}
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		mediaType, params = "", nil
	}
	switch {
	case bytes.HasPrefix(start, []byte("--")):
		return fromMultipart(boundary(params["boundary"], start), start)
	case bytes.HasPrefix(start, []byte(detailField+"=")), mediaType == urlencodedType:
		return fromURLEncoded(start)
	case mediaType == multipartType:
		return fromMultipart(boundary(params["boundary"], start), start)
	default:
		return body, nil
	}
}

// trimMark takes the UTF-8 byte order mark away.
func trimMark(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) }

// boundary gives the announced boundary when the body has it, and else the one
// of the body's first line.
func boundary(announced string, body []byte) string {
	if announced != "" && bytes.Contains(body, []byte("--"+announced)) {
		return announced
	}
	line, _, _ := bytes.Cut(body, []byte("\n"))
	found, _ := bytes.CutPrefix(bytes.TrimRight(line, " \t\r"), []byte("--"))
	return string(found)
}

func fromMultipart(boundary string, body []byte) ([]byte, error) {
	if boundary == "" {
		return nil, call.Unreadablef("the multipart form has no boundary")
	}
	var value []byte
	found := 0
	for parts := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return oneDetail(value, found)
		}
		if err != nil {
			return nil, call.Unreadablef("the multipart form is damaged: %v", err)
		}
		if part.FormName() != detailField {
			continue
		}
		found++
		if value, err = io.ReadAll(part); err != nil {
			return nil, call.Unreadablef("the multipart form is damaged: %v", err)
		}
	}
}

// fromURLEncoded takes a JSON text that somebody put behind "detail=" without
// encoding it as it stands: decoding would turn the + of a number into a space.
func fromURLEncoded(body []byte) ([]byte, error) {
	if plain, ok := bytes.CutPrefix(body, []byte(detailField+"=")); ok && isObject(plain) {
		return plain, nil
	}
	fields, err := url.ParseQuery(string(body))
	values := fields[detailField]
	if len(values) == 0 && err != nil {
		return nil, call.Unreadablef("the form is damaged: %v", err)
	}
	if len(values) == 0 {
		return oneDetail(nil, 0)
	}
	return oneDetail([]byte(values[0]), len(values))
}

func isObject(text []byte) bool {
	return bytes.HasPrefix(text, []byte("{")) && json.Valid(text)
}

func oneDetail(value []byte, found int) ([]byte, error) {
	switch {
	case found == 0:
		return nil, call.Unreadablef("the form has no field %s: put the callback's JSON into it", detailField)
	case found > 1:
		return nil, call.Unreadablef("the form has %d fields %s: send one", found, detailField)
	case len(bytes.TrimSpace(trimMark(value))) == 0:
		return nil, call.Unreadablef("the form's field %s is empty: a JSON object is expected", detailField)
	}
	return trimMark(value), nil
}
