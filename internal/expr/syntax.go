package expr

import (
	"fmt"
	"strings"
	"unicode"
)

// syntaxFault finds the usual reason why an expression does not parse: an
// operator as other languages spell it, quotes, brackets. CEL itself names only
// the token at which it stopped. It returns nil where it knows no better.
func syntaxFault(src string) faults {
	s := scanner{src: src}
	for s.at < len(src) {
		if text := s.next(); text != "" {
			return faultAt(src, s.from, text)
		}
	}
	if len(s.open) > 0 {
		last := s.open[len(s.open)-1]
		return faultAt(src, last, fmt.Sprintf("the %c that opens here is not closed", src[last]))
	}
	return nil
}

// scanner walks over an expression that did not parse, outside of its texts.
type scanner struct {
	src string
	// from is where the present token begins, at where the next one does.
	from, at int
	// open are the places of the brackets that are open.
	open []int
}

// next passes over one token and returns what is wrong with it.
func (s *scanner) next() string {
	s.from = s.at
	rest := s.src[s.at:]
	switch c := rest[0]; {
	case strings.HasPrefix(rest, "${"):
		return "the whole of this is an expression: write it without ${ and }"
	case strings.IndexByte("\"'", c) >= 0:
		return s.text(rest)
	case isLetter(c):
		return s.word(rest)
	case strings.IndexByte("([{", c) >= 0:
		s.open = append(s.open, s.at)
	case strings.IndexByte(")]}", c) >= 0:
		if len(s.open) == 0 {
			return fmt.Sprintf("the %c closes nothing: remove it, or open it before", c)
		}
		s.open = s.open[:len(s.open)-1]
	case c >= 0x80:
		return s.foreign(rest)
	default:
		return s.operator(rest)
	}
	s.at++
	return ""
}

// text passes over a text in quotes.
func (s *scanner) text(rest string) string {
	quote := rest[:1]
	if strings.HasPrefix(rest, strings.Repeat(quote, 3)) {
		quote = rest[:3]
	}
	for i := len(quote); i < len(rest); i++ {
		switch {
		case rest[i] == '\\':
			i++
		case strings.HasPrefix(rest[i:], quote):
			s.at += i + len(quote)
			return ""
		}
	}
	return fmt.Sprintf("the quote %s that opens here is not closed", quote)
}

// word passes over a name and refuses the operators that are words elsewhere.
func (s *scanner) word(rest string) string {
	end := 0
	for end < len(rest) && isWord(rest[end]) {
		end++
	}
	word := rest[:end]
	s.at += end
	if s.from > 0 && s.src[s.from-1] == '.' {
		return ""
	}
	lower := strings.ToLower(word)
	operator := map[string]string{"and": "&&", "or": "||", "not": "! before what must not hold", "is": "=="}[lower]
	function := map[string]string{
		"contains": "contains", "startswith": "startsWith", "endswith": "endsWith", "matches": "matches", "like": "matches",
	}[lower]
	switch {
	case operator != "":
		return fmt.Sprintf("%q is no operator: write %s", word, operator)
	case function != "":
		return fmt.Sprintf(`%s is written as a function behind a dot: call.agent.name.%s("…")`, word, function)
	case lower == "if", lower == "then", lower == "else":
		return fmt.Sprintf("%q is not known: a choice is written condition ? one : other", word)
	}
	return ""
}

// operator passes over one and refuses those of other languages.
func (s *scanner) operator(rest string) string {
	if pattern := rest[:min(len("=~"), len(rest))]; pattern == "=~" || pattern == "!~" || pattern == "~=" {
		return pattern + ` is no operator: write call.agent.name.matches("…"), with ! before it for the contrary`
	}
	for _, o := range [][2]string{
		{"===", "=="},
		{"!==", "!="},
		{"<>", "!="},
		{"=>", ">="},
		{"=<", "<="},
		{":=", "=="},
		{"==", ""},
		{"!=", ""},
		{"<=", ""},
		{">=", ""},
		{"&&", ""},
		{"||", ""},
		{"=", "=="},
		{"&", "&&"},
		{"|", "||"},
		{";", ""},
	} {
		if !strings.HasPrefix(rest, o[0]) {
			continue
		}
		s.at += len(o[0])
		if o[1] != "" {
			return fmt.Sprintf("%s is no operator: write %s", o[0], o[1])
		}
		return ""
	}
	s.at++
	return ""
}

// foreign passes over a character beyond ASCII, which only a text may hold.
func (s *scanner) foreign(rest string) string {
	for _, r := range rest {
		switch {
		case strings.ContainsRune("“”„‘’«»", r):
			return fmt.Sprintf("%c is no quote that can be used here: write \" or '", r)
		case unicode.IsSpace(r):
			return "a space that is not an ordinary one stands here: write it anew"
		default:
			return fmt.Sprintf("%c stands outside of a text: put quotes around the text", r)
		}
	}
	return ""
}

func isLetter(c byte) bool { return isWord(c) && (c < '0' || c > '9') }
