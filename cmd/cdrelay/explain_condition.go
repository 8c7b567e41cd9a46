package main

import "strings"

// conditionLines lays out a condition in lines of at most room characters, where its
// words let it: before && and || where that is enough, else at any blank. Texts in
// quotes stay whole.
func conditionLines(condition string, room int) []string {
	var lines []string
	line := ""
	add := func(part string) {
		switch {
		case line == "":
			line = part
		case len(line)+1+len(part) <= room:
			line += " " + part
		default:
			lines = append(lines, line)
			line = part
		}
	}
	for _, term := range terms(words(condition)) {
		if whole := strings.Join(term, " "); len(whole) <= room {
			add(whole)
			continue
		}
		for _, word := range term {
			add(word)
		}
	}
	return append(lines, line)
}

// terms groups words so that each group but the first begins with && or ||.
func terms(words []string) [][]string {
	var out [][]string
	for _, word := range words {
		if len(out) == 0 || word == "&&" || word == "||" {
			out = append(out, nil)
		}
		last := len(out) - 1
		out[last] = append(out[last], word)
	}
	return out
}

// words splits a condition at the white space outside of its quoted texts.
func words(condition string) []string {
	var out []string
	var word strings.Builder
	end := func() {
		if word.Len() > 0 {
			out = append(out, word.String())
			word.Reset()
		}
	}
	var quote rune
	escaped := false
	for _, r := range condition {
		switch {
		case quote != 0:
			if r == quote && !escaped {
				quote = 0
			}
			escaped = r == '\\' && !escaped
		case r == '"' || r == '\'':
			quote, escaped = r, false
		case strings.ContainsRune(" \t\r\n", r):
			end()
			continue
		}
		word.WriteRune(r)
	}
	end()
	return out
}
