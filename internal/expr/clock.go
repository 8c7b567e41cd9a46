package expr

import (
	"fmt"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// clockRange is what a function that reads a calendar or a clock can return.
type clockRange struct {
	first, last int64
	hint        string
}

// clockRanges are the ranges that people get wrong: CEL counts months and days of
// the week from 0, weekday as ISO 8601 does.
//
//nolint:gochecknoglobals // a table
var clockRanges = map[string]clockRange{
	weekdayName:                 {1, 7, "1 is Monday and 7 is Sunday"},
	overloads.TimeGetDayOfWeek:  {0, 6, "0 is Sunday; weekday(t, zone) counts from 1, Monday"},
	overloads.TimeGetMonth:      {0, 11, "0 is January"},
	overloads.TimeGetDate:       {1, 31, "it is the day of the month"},
	overloads.TimeGetDayOfMonth: {0, 30, "0 is the first day; getDate counts from 1"},
	overloads.TimeGetHours:      {0, 23, "0 is the hour from midnight"},
	overloads.TimeGetMinutes:    {0, 59, ""},
	overloads.TimeGetSeconds:    {0, 59, ""},
}

// checkClock refuses to compare such a function with a number that it never
// returns: weekday(…) == 0 is no Sunday, it is nothing.
func checkClock(a *ast.AST, operator string, args []ast.Expr) (all faults) {
	check := func(read, number ast.Expr) {
		if read.Kind() != ast.CallKind || number.Kind() != ast.LiteralKind {
			return
		}
		name := read.AsCall().FunctionName()
		r, known := clockRanges[name]
		if read.AsCall().IsMemberFunction() && a.GetType(read.AsCall().Target().ID()).Kind() != types.TimestampKind {
			return // a duration has any number of hours
		}
		n, whole := number.AsLiteral().(types.Int)
		if known && whole && (int64(n) < r.first || int64(n) > r.last) {
			text := fmt.Sprintf("%s is never %d: it is %d to %d", name, n, r.first, r.last)
			if r.hint != "" {
				text += ", " + r.hint
			}
			all = append(all, at(a, number, text))
		}
	}
	switch operator {
	case operators.Equals, operators.NotEquals:
		check(args[0], args[1])
		check(args[1], args[0])
	case operators.In:
		for _, element := range elements(args[1]) {
			check(args[0], element)
		}
	}
	return all
}
