package phone

import (
	"strings"

	lru "github.com/hashicorp/golang-lru/v2"
)

// memoSize bounds how many answers are remembered.
const memoSize = 4096

// question is what libphonenumber's answer depends on, and nothing else.
type question struct{ text, region string }

// answers remembers what libphonenumber said: one of the two numbers of nearly
// every call is the call centre's own, and asking costs as much as all the rest
// of a conversion. Functions stay pure: the same question has the same answer.
//
//nolint:gochecknoglobals // a memo of a pure function
var answers = newMemo()

func newMemo() *lru.Cache[question, string] {
	m, err := lru.New[question, string](memoSize)
	if err != nil { // only for a size below 1
		panic(err)
	}
	return m
}

// valid is the E.164 form of a number that libphonenumber calls valid, or empty.
// What is remembered is a copy of the text, which is often a piece of a callback:
// the piece would keep the whole in memory.
func valid(text, region string) string {
	q := question{text, region}
	answer, known := answers.Get(q)
	if !known {
		q.text = strings.Clone(text)
		certain := false
		if answer, certain = q.plain(); !certain {
			answer = q.ask()
		}
		answers.Add(q, answer)
	}
	return answer
}
