// Package adapter is the table of formats: which vendors' callbacks can be read,
// and by what.
//
// To add a format, add a package beside the others with a function Convert, its
// golden cases under testdata, and a row here. Nothing registers itself.
//
// All functions are pure and may be called concurrently.
package adapter

import (
	"github.com/cdrelay/cdrelay/adapter/infin8linx"
	"github.com/cdrelay/cdrelay/adapter/nxcc"
	"github.com/cdrelay/cdrelay/internal/call"
)

// Format is one vendor's dialect.
type Format struct {
	// Name is what `format:` says in the configuration.
	Name string
	// Convert reads one callback: UTF-8 JSON, after content decoding and after a
	// form has been opened. It is pure. Its errors are *call.NotACall and
	// *call.Unreadable. The record shares no memory with the body and is within
	// its bounds (call.Record.Bound); its Revision is 1 and its ReceivedAt is not
	// set.
	Convert func(body []byte, src call.Source) (*call.Record, error)
	// DefaultZone is the time zone that Convert takes for times without one when
	// the source has none, an IANA name; empty when the format's times need none.
	DefaultZone string
	// FormField is the field of a form that holds the JSON text, for platforms that
	// post forms; empty where none does.
	FormField string
	// Causes are the vendor's codes for the end of a call, for the documents.
	Causes call.Causes
	// NeedsRegion says that without a region no number becomes E.164.
	NeedsRegion bool
}

// formats is in the order of the names.
func formats() []Format {
	return []Format{
		{
			Name:        infin8linx.Name,
			Convert:     infin8linx.Convert,
			DefaultZone: infin8linx.DefaultZone,
			FormField:   infin8linx.FormField,
			Causes:      infin8linx.Causes,
			NeedsRegion: true,
		},
		{
			Name:      nxcc.Name,
			Convert:   nxcc.Convert,
			FormField: nxcc.FormField,
			Causes:    nxcc.Causes,
		},
	}
}

// Lookup finds a format by its name.
func Lookup(name string) (Format, bool) {
	for _, f := range formats() {
		if f.Name == name {
			f.Convert = bounded(f.Convert)
			return f, true
		}
	}
	return Format{}, false
}

// bounded keeps the records of a format within their bounds.
func bounded(convert func([]byte, call.Source) (*call.Record, error)) func([]byte, call.Source) (*call.Record, error) {
	return func(body []byte, src call.Source) (*call.Record, error) {
		r, err := convert(body, src)
		if err != nil || r == nil {
			return r, err
		}
		if err := r.Bound(len(body)); err != nil {
			return nil, err
		}
		return r, nil
	}
}

// Names gives the names of all formats, sorted.
func Names() []string {
	var names []string
	for _, f := range formats() {
		names = append(names, f.Name)
	}
	return names
}
