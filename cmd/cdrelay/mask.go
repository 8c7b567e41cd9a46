package main

import (
	"github.com/cdrelay/cdrelay/internal/call"
)

// number is a telephone number in a table.
func (o *operator) number(text string) string {
	if o.numbers {
		return text
	}
	return call.Mask(text)
}

// masked hides the telephone numbers in a text about a call.
func (o *operator) masked(m call.Masker, text string) string {
	if o.numbers {
		return text
	}
	return m.Text(text)
}

// maskedBody does the same in a body.
func (o *operator) maskedBody(m call.Masker, body string) string {
	if o.numbers {
		return body
	}
	return m.Body(body)
}

// party is one end of a call.
func (o *operator) party(p call.Party) string {
	for _, text := range []string{p.Number, p.SIP, p.Raw} {
		if text != "" {
			return o.number(text)
		}
	}
	return p.Extension
}
