package charset

import (
	"cmp"
	"fmt"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// Charset is a character set. The zero value is UTF-8.
type Charset struct {
	name string
	enc  encoding.Encoding // nil for UTF-8
}

// otherNames are names that the web does not know, such as those of Windows, with
// those that it knows. Every ASCII text is UTF-8.
//
//nolint:gochecknoglobals // a table
var otherNames = map[string]string{
	"": "utf-8", "us-ascii": "utf-8", "ascii": "utf-8",
	"cp936": "gbk", "ms936": "gbk", "cp950": "big5", "ms950": "big5", "cp932": "shift_jis",
}

// Lookup finds a character set by one of its names, such as gbk or ISO-8859-1.
// The empty name is UTF-8.
func Lookup(name string) (Charset, error) {
	name = strings.ToLower(strings.TrimSpace(name))
	name = cmp.Or(otherNames[name], name)
	enc, err := htmlindex.Get(name)
	if err != nil || enc == encoding.Replacement {
		return Charset{}, fmt.Errorf("unknown character set %.40q: write a name of the web, such as utf-8, gbk, gb18030, big5, shift_jis or iso-8859-1", name)
	}
	switch enc {
	case unicode.UTF8:
		return Charset{}, nil
	case simplifiedchinese.GBK:
		enc = simplifiedchinese.GB18030 // the web reads GBK as its superset
	}
	return Charset{name, enc}, nil
}

// String returns the name of the character set.
func (c Charset) String() string {
	if c.enc == nil {
		return "UTF-8"
	}
	return c.name
}

// OfContentType returns the value of the parameter charset of a Content-Type, or
// "". It reads a header that is not well-formed too.
func OfContentType(contentType string) string {
	const key = "charset="
	at := strings.Index(strings.ToLower(contentType), key)
	if at < 0 || len(contentType) != len(strings.ToLower(contentType)) {
		return ""
	}
	value := strings.TrimLeft(contentType[at+len(key):], ` "'`)
	if end := strings.IndexAny(value, ` "';,`); end >= 0 {
		value = value[:end]
	}
	return value
}

// UTF16 returns the kind of UTF-16 that a text is in: by its byte order mark, or
// by the zero byte beside its first character, which is ASCII.
func UTF16(text []byte) (c Charset, ok bool) {
	if len(text) < 2 {
		return Charset{}, false
	}
	switch first, second := text[0], text[1]; {
	case first == 0xFE && second == 0xFF, first == 0 && second != 0:
		return Charset{"utf-16be", unicode.UTF16(unicode.BigEndian, unicode.UseBOM)}, true
	case first == 0xFF && second == 0xFE, first != 0 && second == 0:
		return Charset{"utf-16le", unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)}, true
	}
	return Charset{}, false
}
