// Package adapter is the table of formats: which vendors' callbacks can be read,
// and by what.
//
// To add a format, add a package beside the others with a function Convert, its
// golden cases under testdata, and a row here. Nothing registers itself. What a
// row may declare is call.Format.
//
// All functions are pure and may be called concurrently.
package adapter

import (
	"slices"

	"github.com/cdrelay/cdrelay/adapter/infin8linx"
	"github.com/cdrelay/cdrelay/adapter/nxcc"
	"github.com/cdrelay/cdrelay/internal/call"
)

// utf8 is the character set of both vendors' callbacks, where they name none.
const utf8 = "utf-8"

// Formats returns the table, in the order of the names.
func Formats() []call.Format {
	table := []call.Format{
		{
			Name:        infin8linx.Name,
			Convert:     infin8linx.Convert,
			FormField:   infin8linx.FormField,
			Charset:     utf8,
			DefaultZone: infin8linx.DefaultZone,
			Signature:   nxcc.Digest, // the vendor signs nothing, but a relay before it may
			Signing:     nxcc.Signing(),
			Causes:      infin8linx.Causes,
			Example:     infin8linx.Example,
			NeedsRegion: true,
		},
		{
			Name:      nxcc.Name,
			Convert:   nxcc.Convert,
			FormField: nxcc.FormField,
			Charset:   utf8,
			Signature: nxcc.Digest,
			Signing:   nxcc.Signing(),
			Causes:    nxcc.Causes,
			Example:   nxcc.Example,
		},
	}
	for i, f := range table {
		table[i].Convert = bounded(f.Convert)
	}
	return table
}

// Lookup finds a format by its name.
func Lookup(name string) (call.Format, bool) {
	formats := Formats()
	i := slices.IndexFunc(formats, func(f call.Format) bool { return f.Name == name })
	if i < 0 {
		return call.Format{}, false
	}
	return formats[i], true
}

// bounded keeps the records of a format within their bounds.
func bounded(convert call.Convert) call.Convert {
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

// Names returns the names of all formats, sorted.
func Names() []string {
	var names []string
	for _, f := range Formats() {
		names = append(names, f.Name)
	}
	return names
}
