package main

import (
	"slices"
	"strings"
	"testing"
)

func TestConditionLines(t *testing.T) {
	for _, c := range []struct {
		condition string
		room      int
		want      []string
	}{
		{"call.answered", 5, []string{"call.answered"}},
		{"a == 1\n  &&\tb == 2", 40, []string{"a == 1 && b == 2"}},
		{"a == 1 && b == 2 || c == 3", 16, []string{"a == 1 && b == 2", "|| c == 3"}},
		{"a == 1 && (bb == 2 || cc == 3)", 14, []string{"a == 1", "&& (bb == 2", "|| cc == 3)"}},
		{"a in [1, 2, 3, 4, 5] && b", 12, []string{"a in [1, 2,", "3, 4, 5]", "&& b"}},
		{`a == "x  && y" && b == 'it\'s  ||'`, 16, []string{`a == "x  && y"`, `&& b ==`, `'it\'s  ||'`}},
		{`a == "\\" && b`, 11, []string{`a == "\\"`, `&& b`}},
	} {
		got := conditionLines(c.condition, c.room)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s in %d:\n%s\nwant\n%s", c.condition, c.room, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
	}
}
