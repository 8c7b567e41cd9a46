package spool

import (
	"net/http"
	"strconv"
	"strings"
)

const (
	// readOfDetail is how much of a detail AnswerOf reads, in bytes.
	readOfDetail = 512
	// maxAnswerOf bounds what AnswerOf returns, in bytes.
	maxAnswerOf = 200
	// longWord is the length from which a word with a digit is taken for an id.
	longWord = 8
	// placeholder is what AnswerOf writes for what differs from call to call.
	placeholder = "#"
)

// AnswerOf returns what the detail of a dead letter says about all calls alike: numbers,
// times and ids are a placeholder, and only statuses of HTTP with their words stay. Its
// answer is one line of at most 200 bytes.
func AnswerOf(detail string) string {
	rest := strings.Join(strings.Fields(strings.ToValidUTF8(detail[:min(len(detail), readOfDetail)], "")), " ")
	var b answerBuilder
	for rest != "" {
		n := strings.IndexFunc(rest, func(c rune) bool { return !inWord(c) })
		switch {
		case n < 0:
			n = len(rest)
		case n == 0: // what is between words
			if n = strings.IndexFunc(rest, inWord); n < 0 {
				n = len(rest)
			}
			b.text = append(b.text, rest[:n]...)
			rest = rest[n:]
			continue
		}
		b.word(rest[:n], rest[n:])
		rest = rest[n:]
	}
	return strings.ToValidUTF8(string(b.text[:min(len(b.text), maxAnswerOf)]), "")
}

// inWord reports whether a character is a part of a word or an id.
func inWord(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c) || c == '_' || c == '-'
}

func isDigit(c rune) bool { return '0' <= c && c <= '9' }

// answerBuilder puts an answer together.
type answerBuilder struct {
	text []byte
	end  int // of the last placeholder
}

// word adds a word; next is what follows it.
func (b *answerBuilder) word(word, next string) {
	letters := strings.IndexFunc(word, func(c rune) bool { return !isDigit(c) }) >= 0
	switch digits := strings.IndexFunc(word, isDigit) >= 0; {
	case !digits || isStatus(word, next):
		b.text = append(b.text, word...)
	case !letters || len(word) >= longWord:
		b.hide()
	default: // such as 2FA or phone2
		for part := word; part != ""; {
			n := strings.IndexFunc(part, func(c rune) bool { return isDigit(c) != isDigit(rune(part[0])) })
			if n < 0 {
				n = len(part)
			}
			if isDigit(rune(part[0])) {
				b.hide()
			} else {
				b.text = append(b.text, part[:n]...)
			}
			part = part[n:]
		}
	}
}

// hide adds a placeholder. What follows one without a word between them, such as the
// rest of a time, of an address or of a list, belongs to it.
func (b *answerBuilder) hide() {
	if between := string(b.text[b.end:]); b.end > 0 && len(between) <= 2 && strings.Trim(between, " ,.:/+") == "" {
		b.text = b.text[:b.end]
		return
	}
	b.text = append(b.text, placeholder...)
	b.end = len(b.text)
}

// isStatus reports whether a word is a status of HTTP, with the words of it behind it.
func isStatus(word, next string) bool {
	status, err := strconv.Atoi(word)
	words := http.StatusText(status)
	return err == nil && words != "" && strings.HasPrefix(next, " "+words)
}
