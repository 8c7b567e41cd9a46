package expr

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// checkLiterals refuses literal arguments with which a function could only fail,
// or write nonsense, call by call.
func (e *environment) checkLiterals(a *ast.AST) error {
	all := e.checkAccessorZones(a)
	for _, c := range ast.MatchDescendants(ast.NavigateAST(a), ast.KindMatcher(ast.CallKind)) {
		name, args := c.AsCall().FunctionName(), c.AsCall().Args()
		if i, ok := zoneArguments()[name]; ok {
			if zone, ok := literal(args[i]); ok {
				if _, err := e.zones.load(zone); err != nil {
					all = append(all, at(a, args[i], err.Error()))
				}
			}
		}
		all = append(all, checkClock(a, name, args)...)
		if place, err := e.checkArguments(name, args); err != nil {
			all = append(all, at(a, place, err.Error()))
		}
	}
	return all.orNil()
}

// checkArguments refuses what a function says no to, whatever the call.
func (e *environment) checkArguments(name string, args []ast.Expr) (place ast.Expr, err error) {
	switch name {
	case formatTimeName:
		if layout, ok := literal(args[1]); ok && !tellsTime(layout) {
			return args[1], fmt.Errorf("the layout %q holds no part of a time: "+
				"write how 2006-01-02 15:04:05 would look, as Go's package time does", layout)
		}
	case betweenName:
		from, isFrom := literal(args[1])
		to, isTo := literal(args[2])
		if isFrom && isTo {
			_, _, err = span(from, to)
		}
		return args[1], err
	case escapeName:
		if markup, ok := literal(args[1]); ok {
			if _, known := e.markups[markup]; !known {
				return args[1], e.unknownMarkup(markup)
			}
		}
	}
	return nil, nil
}

// zoneOffset is the other way in which CEL's accessors take a zone.
var zoneOffset = regexp.MustCompile(`^[+-]?\d\d:\d\d$`)

// checkAccessorZones refuses unknown zones in call.started_at.getHours("…") and
// its relatives.
func (e *environment) checkAccessorZones(a *ast.AST) faults {
	var all faults
	for _, c := range ast.MatchDescendants(ast.NavigateAST(a), ast.KindMatcher(ast.CallKind)) {
		args := c.AsCall().Args()
		if !c.AsCall().IsMemberFunction() || len(args) != 1 || !isAccessor(c.AsCall().FunctionName()) {
			continue
		}
		zone, ok := literal(args[0])
		if !ok || zoneOffset.MatchString(zone) {
			continue
		}
		if _, err := e.zones.load(zone); err != nil {
			all = append(all, at(a, args[0], err.Error()))
		}
	}
	return all
}

func isAccessor(name string) bool {
	return slices.Contains([]string{
		overloads.TimeGetFullYear, overloads.TimeGetMonth, overloads.TimeGetDayOfYear, overloads.TimeGetDate,
		overloads.TimeGetDayOfMonth, overloads.TimeGetDayOfWeek, overloads.TimeGetHours, overloads.TimeGetMinutes,
		overloads.TimeGetSeconds, overloads.TimeGetMilliseconds,
	}, name)
}

func literal(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().(types.String)
	return string(s), ok
}

// tellsTime tells whether two different times look different in a layout.
func tellsTime(layout string) bool {
	a := time.Date(2001, time.February, 3, 4, 5, 6, 7, time.UTC)
	b := time.Date(2012, time.November, 23, 18, 49, 57, 123456789, time.UTC)
	return a.Format(layout) != b.Format(layout)
}

func at(a *ast.AST, e ast.Expr, text string) fault {
	l := a.SourceInfo().GetStartLocation(e.ID())
	return fault{line: l.Line(), column: l.Column() + 1, text: text}
}
