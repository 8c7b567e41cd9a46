package call

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// Body hides numbers in a body of a callback, a request or an answer. The names of
// its members say what they are, in JSON as in a form; any other body is free text.
// The layout stays.
func (m Masker) Body(text string) string {
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "["):
		return m.json(text)
	case isForm(trimmed):
		return m.form(text)
	default:
		return m.Text(text)
	}
}

// json masks the values of a JSON text; one that is damaged, as far as it can be read.
func (m Masker) json(text string) string {
	var b strings.Builder
	name := ""
	for text != "" {
		i := strings.IndexFunc(text, startsScalar)
		if i < 0 {
			break
		}
		b.WriteString(text[:i])
		token := scalar(text[i:])
		text = text[i+len(token):]
		if isKey := strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), ":"); isKey {
			name = unquoted(token)
			b.WriteString(token)
			continue
		}
		value := unquoted(token)
		switch masked := m.member(name, value); {
		case masked == value:
		case token[0] == '"' && value == token: // a string without its end
			token = masked
		default:
			token = string(appendText(nil, masked))
		}
		b.WriteString(token)
	}
	return b.String() + text
}

// startsScalar finds strings and whole numbers; true, false and null hold none.
func startsScalar(r rune) bool { return r == '"' || r == '-' || r == '+' || unicode.IsDigit(r) }

// scalar returns the string or the number at the beginning of a text.
func scalar(text string) string {
	if text[0] != '"' {
		end := strings.IndexFunc(text, func(r rune) bool { return strings.ContainsRune(",:]}\" \t\r\n", r) })
		if end < 0 {
			return text
		}
		return text[:end]
	}
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return text[:i+1]
		}
	}
	return text
}

// unquoted returns the text of a token; a token that is not a string is returned as it is.
func unquoted(token string) string {
	var s string
	if json.Unmarshal([]byte(token), &s) != nil {
		return token
	}
	return s
}

// isForm reports whether a text is a form: names and values, escaped.
func isForm(text string) bool {
	return strings.Contains(text, "=") && !strings.ContainsAny(text, " \t\r\n<>{}\"")
}

// form masks the values of a form and leaves the others as they are escaped.
func (m Masker) form(text string) string {
	pairs := strings.Split(text, "&")
	for i, pair := range pairs {
		name, escaped, _ := strings.Cut(pair, "=")
		value, err := url.QueryUnescape(escaped)
		if err != nil {
			value = escaped
		}
		if masked := m.member(name, value); masked != value {
			pairs[i] = name + "=" + strings.ReplaceAll(url.QueryEscape(masked), "%2A", "*")
		}
	}
	return strings.Join(pairs, "&")
}

// member masks the value of a named member.
func (m Masker) member(name, value string) string {
	switch {
	case strings.HasPrefix(value, "{") || strings.HasPrefix(value, "["):
		return m.json(value)
	case namesNumber(name) && holdsNumber(value):
		return Mask(value)
	case namesOther(name):
		return m.own(value)
	default:
		return m.Text(value)
	}
}

// holdsNumber reports whether a value is more than an extension, a code or a word.
func holdsNumber(value string) bool {
	return len(digitsOf(value)) >= minDigits || strings.Contains(value, "@")
}

var (
	// numberName is the name of a telephone number, as words in small letters.
	numberName = regexp.MustCompile(`phone|mobile|msisdn|caller|callee|called|calling|whatsapp|numbers?$|` +
		`(?:^| )(?:tel|telno|cell|fax|cli|did|ani|dnis|from|to|src|dst|dest|destination)(?: |$)`)
	// otherName is that of a time, an id, an amount and the like.
	otherName = regexp.MustCompile(`(?:ids?|uuid|guid|key|code|account|tenant|time|timestamp|date|duration|seconds|millis|amount|price|` +
		`cost|fee|sum|balance|type|status|round|version|sign|signature|hash|token|nonce|(?:^| )(?:at|ts|ms|sec))$|` +
		`^(?:order|invoice|ticket|serial|reference|case|ext)`)
	// idOfNumber are the numbers that are called ids.
	idOfNumber = regexp.MustCompile(`(?:calle[re] ?id|(?:^| )did)$`)
	// capital is where a word begins within a name.
	capital = regexp.MustCompile(`(\p{Ll})(\p{Lu})`)
)

// namesNumber reports whether a name says that its value is a telephone number.
func namesNumber(name string) bool {
	words := wordsOf(name)
	return numberName.MatchString(words) && (!otherName.MatchString(words) || idOfNumber.MatchString(words))
}

// namesOther reports whether a name says that its value is something else.
func namesOther(name string) bool { return otherName.MatchString(wordsOf(name)) }

// wordsOf parts a name at signs and capital letters.
func wordsOf(name string) string {
	words := strings.FieldsFunc(capital.ReplaceAllString(name, "$1 $2"), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return strings.ToLower(strings.Join(words, " "))
}
