package charset_test

import (
	"bytes"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"

	"github.com/cdrelay/cdrelay/internal/charset"
)

func lookup(tb testing.TB, name string) charset.Charset {
	tb.Helper()
	c, err := charset.Lookup(name)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, charset, bytes, want string
		replaced                   bool
	}{
		{"UTF-8", "", `{"a":"转"}`, `{"a":"转"}`, false},
		{"UTF-8 by its name", "UTF8", `{"a":"转"}`, `{"a":"转"}`, false},
		{"UTF-8 called ASCII", "us-ascii", `{"a":"转"}`, `{"a":"转"}`, false},
		{"a mark", "", "\xef\xbb\xbf{}", "{}", false},
		{"a mark against another name", "gbk", "\xef\xbb\xbf\"\xe8\xbd\xac\"", `"转"`, false},
		{"bytes that are no UTF-8", "", "\"a\xff\xfeb\"", "\"a\ufffdb\"", true},
		{"U+FFFD as it was sent", "", "\"\ufffd\"", "\"\ufffd\"", false},
		{"GBK", "gbk", "\"\xd7\xaa\xc8\xcb\xb9\xa4\"", `"转人工"`, false},
		{"GBK with a backslash in a character", "GB2312", "\"\x95\x5c\"", `"昞"`, false},
		{"GBK that is GB18030", "x-gbk", "\"\x81\x39\xee\x39\"", `"㐀"`, false},
		{"GBK by its name in Windows", "CP936", "\"\xd7\xaa\"", `"转"`, false},
		{"GBK, cut off", "gbk", "\"\xd7\"", "\"\ufffd\"", true},
		{"GB18030", "gb18030", "\"\x81\x39\xee\x39\xd7\xaa\"", `"㐀转"`, false},
		{"Big5", "Big5", "\"\xc2\xe0\"", `"轉"`, false},
		{"Shift JIS", "shift_jis", "\"\x93\x5d\x83\x5c\"", `"転ソ"`, false},
		{"ISO-2022-JP", "iso-2022-jp", "\"\x1b$BE>\x1b(B\"", `"転"`, false},
		{"EUC-KR", "euc-kr", "\"\xbb\xf3\"", `"상"`, false},
		{"Latin-1", "ISO-8859-1", "\"Jos\xe9 \x80\"", `"José €"`, false},
		{"Cyrillic", "windows-1251", "\"\xc8\xe2\xe0\xed\"", `"Иван"`, false},
		{"UTF-16, little end first", "", "\xff\xfe\"\x00l\x8f\"\x00", `"转"`, false},
		{"UTF-16, big end first", "gbk", "\xfe\xff\x00\"\x8fl\x00\"", `"转"`, false},
		{"UTF-16 without a mark", "utf-16", "\x00\"\x8fl\x00\"", `"转"`, false},
		{"UTF-16 without a mark, little end first", "", "\"\x00l\x8f\"\x00", `"转"`, false},
		{"UTF-16 with half a pair", "", "\xff\xfe\"\x00\x00\xd8\"\x00", "\"\ufffd\"", true},
		{"UTF-16, cut off", "", "\xff\xfe\"\x00l\x8f\"", "\"转\ufffd", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := lookup(t, tt.charset).Decode([]byte(tt.bytes))
			if string(got.UTF8) != tt.want || got.Replaced != tt.replaced {
				t.Errorf("= %q, replaced %v", got.UTF8, got.Replaced)
			}
			if got.Replaced && (got.Exact == nil || bytes.Contains(got.Exact, []byte("\ufffd"))) {
				t.Errorf("the exact text is %q", got.Exact)
			}
		})
	}
}

// Bytes that are replaced are still told apart.
func TestExact(t *testing.T) {
	t.Parallel()
	for name, pair := range map[string][3]string{
		"two bad bytes":                        {"", "\"\xff\"", "\"\xfe\""},
		"one bad byte and two":                 {"", "\"\xff\"", "\"\xff\xff\""},
		"a bad byte and what shows it":         {"", "\"\xff\"", "\"\ufffd\""},
		"a bad byte and its private character": {"", "\"\xff\"", "\"\U0010ffff\""},
		"both, in two orders":                  {"", "\"\xff\U0010ffff\"", "\"\U0010ffff\xff\""},
		"GBK":                                  {"gbk", "\"\xff\"", "\"\x80\xff\""},
		"GBK, cut off":                         {"gbk", "\"\xd7\"", "\"\xd8\""},
		"GBK that was sent as UTF-8":           {"", "\"\xd7\xaa\"", "\"\xc8\xcb\""},
		"GB18030 that has U+FFFD":              {"gb18030", "\"\xff\"", "\"\x84\x31\xa4\x37\""},
		"UTF-16":                               {"", "\xff\xfe\"\x00\x00\xd8\"\x00", "\xff\xfe\"\x00\x01\xd8\"\x00"},
	} {
		c := lookup(t, pair[0])
		a, b := exact(c, pair[1]), exact(c, pair[2])
		if a == b {
			t.Errorf("%s: both are %q", name, a)
		}
	}
}

// A bad byte before a quote must not take the quote with it: the exact text has the
// structure of the text, or it would be no JSON.
func TestExactKeepsTheStructure(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "gbk", "gb18030", "big5", "shift_jis", "euc-kr", "euc-jp", "iso-8859-7"} {
		c := lookup(t, name)
		for bad := 0x80; bad <= 0xFF; bad++ {
			for _, form := range []string{`"%"`, `"%%"`, "\"\xff%\"", "\"%\xff\"", `"%1"`, `"%0%"`, `"%0%0"`} {
				in := bytes.ReplaceAll([]byte(form), []byte("%"), []byte{byte(bad)})
				text := c.Decode(in)
				quotes := bytes.Count(text.UTF8, []byte(`"`))
				if text.Exact != nil && bytes.Count(text.Exact, []byte(`"`)) != quotes {
					t.Errorf("%s: %q is %q, and exactly %q", c, in, text.UTF8, text.Exact)
				}
			}
		}
	}
}

func exact(c charset.Charset, b string) string {
	text := c.Decode([]byte(b))
	if text.Exact != nil {
		return string(text.Exact)
	}
	return string(text.UTF8)
}

func TestLookupRefuses(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"klingon", "utf-7", "hz-gb-2312", "replacement"} {
		if c, err := charset.Lookup(name); err == nil {
			t.Errorf("%s is %s", name, c)
		}
	}
}

func TestOfContentType(t *testing.T) {
	t.Parallel()
	for contentType, want := range map[string]string{
		"application/json":                       "",
		"application/json; charset=GBK":          "GBK",
		`text/plain;charset="gb18030"; x=1`:      "gb18030",
		"application/json charset=big5":          "big5",
		"application/json; CharSet = utf-8":      "",
		"application/json; Charset=utf-8;":       "utf-8",
		"application/json; charset='iso-8859-1'": "iso-8859-1",
		"charset=":                               "",
		"İ; charset=gbk":                         "",
	} {
		if got := charset.OfContentType(contentType); got != want {
			t.Errorf("%s: %q", contentType, got)
		}
	}
}

// FuzzDecode demands UTF-8 of any bytes, that the exact text tells bytes apart
// that differ in the end, and that what an encoder writes is read back.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"", "gbk", "gb18030", "big5", "shift_jis", "iso-2022-jp", "euc-kr", "utf-16le", "utf-16be", "windows-1252", "koi8-r"} {
		f.Add(name, []byte("\"转 é \xff\xfe\xd7\xaa\x81\x39\xee\x39\x1b$BE>\x1b(B\""))
		f.Add(name, []byte("\xff\xfe\"\x00\x00\xd8\"\x00"))
		f.Add(name, []byte("\U0010ffff\ufffd"))
	}
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		c, err := charset.Lookup(name)
		if err != nil {
			return
		}
		text := c.Decode(b)
		if !utf8.Valid(text.UTF8) || !utf8.Valid(text.Exact) {
			t.Fatalf("%s: %q and %q", name, text.UTF8, text.Exact)
		}
		if text.Replaced && text.Exact == nil {
			t.Fatalf("%s: %q is replaced by %q without an exact text", name, b, text.UTF8)
		}
		if enc, err := htmlindex.Get(name); err == nil && utf8.Valid(b) && !bytes.ContainsAny(b, "\x1b\x0e\x0f") { // ISO-2022-JP shifts with these
			encoded, err := enc.NewEncoder().Bytes(b)
			_, wide := charset.UTF16(encoded)
			if again := c.Decode(encoded); err == nil && !wide && again.Replaced && !bytes.Contains(b, []byte("\ufffd")) {
				t.Fatalf("%s: %q is encoded as %q and read as %q", name, b, encoded, again.UTF8)
			}
		}
	})
}
