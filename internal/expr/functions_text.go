package expr

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"github.com/nyaruka/phonenumbers"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/plaintext"
)

// textFunctions declares the functions that make one text of another.
func (e *environment) textFunctions() []cel.EnvOption {
	return []cel.EnvOption{
		onText("mask", call.Mask),
		onText("plain", plaintext.Line),
		onText("urlEncode", urlEncode),
		onText("httpURL", call.WebURL),
		onText("digits", digits),
		onText("nationalNumber", nationalNumber),
		onTextAndLength("cut", plaintext.ClipRunes),
		onTextAndLength("cutBytes", cutBytes),
		binary(escapeName, "escape_string_string", cel.StringType, cel.StringType, cel.StringType, e.escape),
	}
}

func onText(name string, f func(string) string) cel.EnvOption {
	return unary(name, name+"_string", cel.StringType, cel.StringType, func(v ref.Val) ref.Val {
		return types.String(f(string(arg[types.String](v))))
	})
}

func onTextAndLength(name string, f func(string, int) string) cel.EnvOption {
	return binary(name, name+"_string_int", cel.StringType, cel.IntType, cel.StringType, func(text, length ref.Val) ref.Val {
		n := arg[types.Int](length)
		if n < 0 {
			return types.NewErr("%s to a negative length", name)
		}
		return types.String(f(string(arg[types.String](text)), int(min(n, maxText))))
	})
}

// cutBytes is a text of at most n bytes, whole characters and an ellipsis where it
// was longer; dots where there is no room for one.
func cutBytes(s string, n int) string {
	if len(s) > n && n < len(plaintext.Ellipsis) {
		return strings.Repeat(".", n)
	}
	return plaintext.Clip(s, n)
}

// urlEncode makes a text fit for any part of a URL.
func urlEncode(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// digits are the decimal digits of a text, full-width ones as ASCII.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case '0' <= r && r <= '9':
			return r
		case '０' <= r && r <= '９':
			return r - '０' + '0'
		}
		return -1
	}, s)
}

// nationalNumber is the significant part of a number in E.164: without country
// code, trunk 0 and spaces. It is empty for any other text.
func nationalNumber(e164 string) string {
	if !strings.HasPrefix(e164, "+") || len(e164) > maxNumber {
		return ""
	}
	n, err := phonenumbers.Parse(e164, "ZZ")
	if err != nil {
		return ""
	}
	return phonenumbers.GetNationalSignificantNumber(n)
}

// maxNumber bounds a number, which has at most 15 digits, with what people write
// between them.
const maxNumber = 64

const escapeName = "escape"

// escape escapes a text for one kind of markup.
func (e *environment) escape(text, markup ref.Val) ref.Val {
	s, name := string(arg[types.String](text)), string(arg[types.String](markup))
	escape, ok := e.markups[name]
	switch {
	case !ok:
		return types.WrapErr(e.unknownMarkup(name))
	case len(s) > maxText/maxEscape:
		return types.WrapErr(errLongText)
	}
	return types.String(escape(s))
}

func (e *environment) unknownMarkup(name string) error {
	return fmt.Errorf("there is no markup %q: write one of %s", plaintext.Cut(name, maxNumber),
		strings.Join(slices.Sorted(maps.Keys(e.markups)), ", "))
}
