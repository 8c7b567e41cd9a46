package intake

import (
	"cmp"
	"fmt"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/charset"
)

// maxReplaced bounds by how many bytes a callback may grow when bytes are replaced:
// a record is hardly larger than its callback.
const maxReplaced = 12 << 10

// Reader turns the bodies of one source into records. It is pure and may be used
// concurrently; it survives no bug of the adapter.
type Reader struct {
	convert  call.Convert
	facts    call.Source
	form     form
	charset  charset.Charset
	volatile []string
}

// NewReader returns the reader of a source, or what is wrong with its
// configuration.
func NewReader(s Source) (*Reader, error) {
	facts, err := s.Facts()
	if err != nil {
		return nil, err
	}
	if s.Dialect.Convert == nil {
		return nil, fmt.Errorf("no adapter for format %q", s.Format)
	}
	set, err := charset.Lookup(cmp.Or(s.Charset, s.Dialect.Charset))
	if err != nil {
		return nil, err
	}
	return &Reader{convert: s.Dialect.Convert, facts: facts, form: form(s.Dialect.FormField), charset: set, volatile: s.Volatile}, nil
}

// Read reads a body as it came, after content decoding, and hashes its content.
// The errors are *call.NotACall and *call.Unreadable; any other counts as the
// latter.
func (r *Reader) Read(contentType string, body []byte) (*call.Record, call.ContentHash, error) {
	var content call.ContentHash
	text, warning, err := r.text(contentType, body)
	if err != nil {
		return nil, content, err
	}
	rec, err := r.convert(text.UTF8, r.facts)
	if err != nil {
		return nil, content, err
	}
	if rec == nil {
		return nil, content, call.Unreadablef("the adapter gave neither a record nor a reason")
	}
	if warning != "" {
		rec.Warn(warning)
	}
	received := []byte(rec.Raw)
	if text.Exact != nil {
		received = text.Exact
	}
	if content, err = call.HashContent(received, r.volatile...); err != nil {
		return nil, content, fmt.Errorf("the record's raw callback is no JSON: %w", err)
	}
	return rec, content, nil
}

// text finds the callback in a body and decodes it: a form is found in bytes,
// because its field has a character set of its own.
func (r *Reader) text(contentType string, body []byte) (text charset.Text, warning string, err error) {
	set, warning := r.charsetOf(contentType)
	if _, wide := charset.UTF16(body); !wide {
		var partType string
		if body, partType, err = r.form.open(contentType, body); err != nil {
			return text, "", err
		}
		if charset.OfContentType(partType) != "" {
			set, warning = r.charsetOf(partType)
		}
	}
	if text = set.Decode(body); text.Replaced {
		if len(text.UTF8) > len(body)+maxReplaced {
			return text, "", call.Unreadablef("too many bytes of the callback are not valid in its character set %s: name the right one by charset in the Content-Type or in the source", set)
		}
		if warning == "" {
			warning = fmt.Sprintf("the body is not valid %s", set)
		}
		warning += ": bad bytes were replaced"
	}
	return text, warning, nil
}

// charsetOf returns the character set that a Content-Type names, else the source's.
func (r *Reader) charsetOf(contentType string) (set charset.Charset, warning string) {
	name := charset.OfContentType(contentType)
	if name == "" {
		return r.charset, ""
	}
	set, err := charset.Lookup(name)
	if err != nil {
		return r.charset, fmt.Sprintf("the sender's character set %.40q is unknown: the body was read as %s", name, r.charset)
	}
	return set, ""
}
