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

const (
	multipartType  = "multipart/form-data"
	urlencodedType = "application/x-www-form-urlencoded"
)

// form is the field of a form that holds the callbacks of a format; empty for a
// format that knows no forms.
type form string

// open returns the callback inside a body: the body itself, or the field of a
// multipart or urlencoded form, with the Content-Type of that part. The body says
// more about itself than its Content-Type, which some platforms set wrong: what
// begins like JSON is JSON, what begins like a form is a form, even with no
// Content-Type at all. An error is a *call.Unreadable.
//
// A body that is neither comes back as it is; its adapter says what is wrong.
func (f form) open(contentType string, body []byte) (text []byte, partType string, err error) {
	start := bytes.TrimLeft(trimMark(body), " \t\r\n")
	switch {
	case len(start) == 0:
		return nil, "", call.Unreadablef("the body is empty: a JSON object is expected")
	case f == "" || start[0] == '{' || start[0] == '[':
		return body, "", nil
	}
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		mediaType, params = "", nil
	}
	switch {
	case bytes.HasPrefix(start, []byte("--")):
		return f.fromMultipart(boundary(params["boundary"], start), start)
	case bytes.HasPrefix(start, []byte(f+"=")), mediaType == urlencodedType:
		text, err = f.fromURLEncoded(start)
		return text, "", err
	case mediaType == multipartType:
		return f.fromMultipart(boundary(params["boundary"], start), start)
	default:
		return body, "", nil
	}
}

// trimMark takes the UTF-8 byte order mark away.
func trimMark(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) }

// boundary returns the announced boundary when the body has it, and else the one
// of the body's first line.
func boundary(announced string, body []byte) string {
	if announced != "" && bytes.Contains(body, []byte("--"+announced)) {
		return announced
	}
	line, _, _ := bytes.Cut(body, []byte("\n"))
	found, _ := bytes.CutPrefix(bytes.TrimRight(line, " \t\r"), []byte("--"))
	return string(found)
}

func (f form) fromMultipart(boundary string, body []byte) (value []byte, partType string, err error) {
	if boundary == "" {
		return nil, "", call.Unreadablef("the multipart form has no boundary")
	}
	found := 0
	for parts := multipart.NewReader(bytes.NewReader(body), boundary); ; {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return value, partType, f.only(value, found)
		}
		if err != nil {
			return nil, "", call.Unreadablef("the multipart form is damaged: %v", err)
		}
		if part.FormName() != string(f) {
			continue
		}
		found++
		partType = part.Header.Get("Content-Type")
		if value, err = io.ReadAll(part); err != nil {
			return nil, "", call.Unreadablef("the multipart form is damaged: %v", err)
		}
	}
}

// fromURLEncoded takes a JSON text that somebody put behind the name of the field
// without encoding it as it is: decoding would turn the + of a number into a space.
func (f form) fromURLEncoded(body []byte) ([]byte, error) {
	if plain, ok := bytes.CutPrefix(body, []byte(f+"=")); ok && isObject(plain) {
		return plain, nil
	}
	fields, err := url.ParseQuery(string(body))
	values := fields[string(f)]
	if len(values) == 0 && err != nil {
		return nil, call.Unreadablef("the form is damaged: %v", err)
	}
	if len(values) == 0 {
		return nil, f.only(nil, 0)
	}
	return []byte(values[0]), f.only([]byte(values[0]), len(values))
}

func isObject(text []byte) bool {
	return bytes.HasPrefix(text, []byte("{")) && json.Valid(text)
}

// only demands that the form has the field once, and something in it.
func (f form) only(value []byte, found int) error {
	switch {
	case found == 0:
		return call.Unreadablef("the form has no field %s: put the callback's JSON into it", f)
	case found > 1:
		return call.Unreadablef("the form has %d fields %s: send one", found, f)
	case len(bytes.TrimSpace(trimMark(value))) == 0:
		return call.Unreadablef("the form's field %s is empty: a JSON object is expected", f)
	}
	return nil
}
