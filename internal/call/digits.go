package call

import (
	"iter"
	"net/netip"
	"regexp"
	"strings"
	"unicode/utf8"
)

// minDigits is the least that a telephone number has; shorter ones are services and
// extensions. maxDigits is the most by E.164, with the zeros before it.
const (
	minDigits = 7
	maxDigits = 17
)

// digit is a digit of a text and where it is.
type digit struct {
	value    byte // in ASCII
	from, to int
}

// digitRun is digits with nothing between them but what people put into numbers.
type digitRun []digit

func (r digitRun) digits() string {
	b := make([]byte, len(r))
	for i, d := range r {
		b[i] = d.value
	}
	return string(b)
}

// zeros are the zeros of the scripts whose digits are read; nine more follow each.
const zeros = "0０٠۰०"

func digitOf(r rune) (value byte, ok bool) {
	for _, zero := range zeros {
		if r >= zero && r <= zero+9 {
			return "0123456789"[r-zero], true
		}
	}
	return 0, false
}

func digitsOf(text string) string {
	var b []byte
	for _, r := range text {
		if d, ok := digitOf(r); ok {
			b = append(b, d)
		}
	}
	return string(b)
}

// maxWord bounds the word before digits that is looked at, with what is between.
const maxWord = 48

// maxBetween is how many characters there may be between two digits of a number.
const maxBetween = 3

func isBetween(r rune) bool {
	return strings.ContainsRune(" \u00a0\u202f\u3000.()/-+（）．－／＋\u2212", r) || r >= '\u2010' && r <= '\u2015'
}

// escapedBetween are the same in a URL.
var escapedBetween = regexp.MustCompile(`^%(?:20|28|29|2[BbDdEeFf])`)

// runsOf returns the runs of a text that are long enough for a number.
func runsOf(text string) iter.Seq[digitRun] {
	return func(yield func(digitRun) bool) {
		var run digitRun
		gap := 0
		for i := 0; i < len(text); {
			r, size := utf8.DecodeRuneInString(text[i:])
			value, isDigit := digitOf(r)
			gap++
			switch escape := ""; {
			case isDigit:
				run, gap = append(run, digit{value, i, i + size}), 0
			case isBetween(r):
			case r == '%':
				if escape = escapedBetween.FindString(text[i:]); escape != "" {
					size = len(escape)
					break
				}
				fallthrough
			default:
				gap = maxBetween + 1
			}
			if gap > maxBetween {
				if len(run) >= minDigits && !yield(run) {
					return
				}
				run = nil
			}
			i += size
		}
		if len(run) >= minDigits {
			yield(run)
		}
	}
}

var (
	// day is a date, with the hour where one follows.
	day = regexp.MustCompile(`\b(?:(?:19|20)\d{2}[-/.]\d{1,2}[-/.]\d{1,2}|[0-3]?\d[-/.][0-3]?\d[-/.](?:19|20)\d{2})(?: \d{1,2})?\b`)
	// prefixed is a number with a plus sign, or with the zero before an area or a
	// country.
	prefixed = regexp.MustCompile(`^(?:[+＋]|%2[Bb]|[(（]?[0０][0０]?[1-9１-９])`)
	// clockDigits is a time in digits alone: seconds or less since 1970, from 2001 on,
	// or a date with or without its time.
	clockDigits = regexp.MustCompile(`^(?:1\d{9}(?:\d{3}){0,2}|20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])?(?:[0-5]\d){0,2})$`)
	// amount is a decimal number, or a whole one with dots between the thousands.
	amount = regexp.MustCompile(`^(?:\d+\.\d{1,2}|0\.\d+|[1-9]\d{0,2}(?:\.\d{3})+)$`)
)

// hideWritten hides what is written as a number. bare says that digits without a plus
// sign or a zero before them are hidden too where they are nothing else.
func hideWritten(text string, bare bool) string {
	var b strings.Builder
	done := 0
	for run := range runsOf(text) {
		for part := range run.parts(text) {
			s := part.span(text)
			if partOfName(text, s) || !isWritten(text[s.from:s.to], bare && !calledOther(text[:s.from])) {
				continue
			}
			b.WriteString(text[done:s.from])
			b.WriteString(Mask(text[s.from:s.to]))
			done = s.to
		}
	}
	return b.String() + text[done:]
}

// parts cuts a run at its dates, and one of several numbers before each of them.
func (r digitRun) parts(text string) iter.Seq[digitRun] {
	return func(yield func(digitRun) bool) {
		base, first := r[0].from, 0
		dates := day.FindAllStringIndex(text[base:r[len(r)-1].to], -1)
		// end ends a part before a digit; the next one begins at another.
		end := func(before, next int) bool {
			part := r[first:before]
			first = next
			return len(part) < minDigits || yield(part)
		}
		for i, d := range r {
			for len(dates) > 0 && base+dates[0][1] <= d.from {
				dates = dates[1:]
			}
			inDate := len(dates) > 0 && base+dates[0][0] <= d.from
			several := len(r) > maxDigits && i-first >= minDigits && r.begins(i, text)
			if inDate && !end(i, i+1) || several && !inDate && !end(i, i) {
				return
			}
		}
		end(len(r), len(r))
	}
}

// begins reports whether a number may begin at a digit: with a plus sign or a zero,
// behind a space.
func (r digitRun) begins(i int, text string) bool {
	between := text[r[i-1].to:r[i].from]
	return strings.ContainsAny(between, "+＋") || strings.HasSuffix(between, " ") && r[i].value == '0'
}

// span returns where the digits are, with the sign or the bracket before them.
func (r digitRun) span(text string) span {
	s := span{r[0].from, r[len(r)-1].to}
	for _, sign := range []string{"(", "（", "+", "＋", "%2B", "%2b"} {
		isBracket := strings.ContainsAny(sign, "(（")
		if strings.HasSuffix(text[:s.from], sign) && (!isBracket || strings.ContainsAny(text[s.from:s.to], ")）")) {
			s.from -= len(sign)
		}
	}
	return s
}

// lastWords are the one or two words before a value in free text: "order 123",
// "caller id=123".
var lastWords = regexp.MustCompile(`((?:\pL[\pL\pN_-]*\s)?(\pL[\pL\pN_-]*))["']?\s?(?:[:=#]|no\.?)?\s?["'#]?$`)

// calledOther reports whether the words before digits say that they are an id, an
// amount and the like.
func calledOther(before string) bool {
	words := lastWords.FindStringSubmatch(before[max(0, len(before)-maxWord):])
	return words != nil && namesOther(words[2]) && !namesNumber(words[1])
}

// partOfName reports whether letters are directly before or behind digits: then they
// belong to an identifier.
func partOfName(text string, s span) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:s.from])
	after, _ := utf8.DecodeRuneInString(text[s.to:])
	return isNameRune(before) || isNameRune(after)
}

func isNameRune(r rune) bool {
	return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// isWritten reports whether digits with the signs between them are written as a
// telephone number.
func isWritten(text string, bare bool) bool {
	_, err := netip.ParseAddr(text)
	switch n := len(digitsOf(text)); {
	case n > maxDigits, err == nil, amount.MatchString(text):
		return false
	case prefixed.MatchString(text):
		return true
	default:
		return bare && !clockDigits.MatchString(text)
	}
}
