package webhook

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/expr"
)

// The media types of the bodies.
const (
	typeJSON        = "application/json"
	typeForm        = "application/x-www-form-urlencoded"
	typeCloudEvents = "application/cloudevents+json"
)

// payload renders a body.
type payload struct {
	render func(*expr.View) (body []byte, mediaType string, err error)
}

// newPayload makes the payload of a request. whole: where no body is configured, it is
// the call record.
func newPayload(r Request, envelope string, whole bool) payload {
	tree := r.Body.Tree
	as := func(mediaType string, render func(expr.Tree, *expr.View) ([]byte, error)) payload {
		return payload{render: func(v *expr.View) ([]byte, string, error) {
			body, err := render(tree, v)
			return body, mediaType, err
		}}
	}
	switch {
	case tree.IsZero() && !whole:
		return payload{render: func(*expr.View) ([]byte, string, error) { return nil, "", nil }}
	case r.Encoding == encodingForm:
		return as(typeForm, form)
	case r.Encoding == encodingMultipart:
		return payload{render: func(v *expr.View) ([]byte, string, error) { return multipartForm(tree, v) }}
	case envelope == envelopeCloudEvents:
		return as(typeCloudEvents, cloudEvent)
	default:
		return as(typeJSON, document)
	}
}

// document is the configured tree, or the whole record, as JSON.
func document(t expr.Tree, v *expr.View) ([]byte, error) {
	if t.IsZero() {
		b := validUTF8(v.Record().JSON())
		return b, v.Spend(len(b))
	}
	b, err := t.JSON(v)
	return validUTF8(b), err
}

// validUTF8 is the last line of defence: JSON is UTF-8 whatever came in.
func validUTF8(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	return bytes.ToValidUTF8(b, []byte("\uFFFD"))
}

// form is the configured mapping, or the record's fields, as a form; values
// that are no scalars are written as JSON.
func form(t expr.Tree, v *expr.View) ([]byte, error) {
	fields, err := formFields(t, v)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	for i, f := range fields {
		if i > 0 {
			b.WriteByte('&')
		}
		name, value := formText(f.Name), formText(f.Value)
		if err := v.Spend(len("&=") + len(name) + max(len(value)-len(f.Value), 0)); err != nil {
			return nil, err
		}
		b.WriteString(name)
		b.WriteByte('=')
		b.WriteString(value)
	}
	return []byte(b.String()), nil
}

func formText(s string) string { return url.QueryEscape(strings.ToValidUTF8(s, "\uFFFD")) }

func formFields(t expr.Tree, v *expr.View) ([]expr.Field, error) {
	if !t.IsZero() {
		return t.Fields(v)
	}
	record := v.Record().JSON()
	if err := v.Spend(len(record)); err != nil {
		return nil, err
	}
	return objectFields(record)
}

// objectFields reads the members of a JSON object in their order.
func objectFields(object []byte) ([]expr.Field, error) {
	dec := json.NewDecoder(bytes.NewReader(object))
	if _, err := dec.Token(); err != nil { // the opening brace
		return nil, err
	}
	var fields []expr.Field
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return nil, err
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, err
		}
		fields = append(fields, expr.Field{Name: fmt.Sprint(name), Value: scalarText(value)})
	}
	return fields, nil
}

// scalarText is a string without its quotes, and anything else as JSON.
func scalarText(value json.RawMessage) string {
	var s string
	if json.Unmarshal(value, &s) == nil {
		return s
	}
	return string(value)
}
