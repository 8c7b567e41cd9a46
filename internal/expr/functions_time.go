package expr

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/cdrelay/cdrelay/internal/plaintext"
)

const (
	formatTimeName = "formatTime"
	betweenName    = "between"
	weekdayName    = "weekday"
)

// timeFunctions declares the functions over times.
func (e *environment) timeFunctions() []cel.EnvOption {
	return []cel.EnvOption{
		cel.Function(formatTimeName, cel.Overload("format_time_timestamp_string_string",
			[]*cel.Type{cel.TimestampType, cel.StringType, cel.StringType}, cel.StringType,
			cel.FunctionBinding(e.formatTime))),
		cel.Function(betweenName, cel.Overload("between_timestamp_string_string_string",
			[]*cel.Type{cel.TimestampType, cel.StringType, cel.StringType, cel.StringType}, cel.BoolType,
			cel.FunctionBinding(e.between))),
		binary(weekdayName, "weekday_timestamp_string", cel.TimestampType, cel.StringType, cel.IntType, e.weekday),
		unary("epochMillis", "epoch_millis_timestamp", cel.TimestampType, cel.IntType, epochMillis),
		unary("epochSeconds", "epoch_seconds_timestamp", cel.TimestampType, cel.IntType, epochSeconds),
		unary("mmss", "mmss_int", cel.IntType, cel.StringType, mmss),
	}
}

// zoneArguments says which argument of a function is a zone.
func zoneArguments() map[string]int {
	return map[string]int{formatTimeName: 2, betweenName: 3, weekdayName: 1}
}

// local is a time in a zone, both as arguments.
func (e *environment) local(at, zone ref.Val) (time.Time, error) {
	location, err := e.zones.load(string(arg[types.String](zone)))
	if err != nil {
		return time.Time{}, err
	}
	return arg[types.Timestamp](at).In(location), nil
}

func (e *environment) formatTime(args ...ref.Val) ref.Val {
	layout := textArg(args, 1)
	if len(layout) > maxLayout {
		return types.NewErr("a layout has at most %d bytes", maxLayout)
	}
	t, err := e.local(args[0], args[2])
	return textOrErr(t.Format(layout), err)
}

// maxLayout bounds a layout, which may be computed.
const maxLayout = 1 << 10

// weekday counts from Monday, 1, to Sunday, 7.
func (e *environment) weekday(at, zone ref.Val) ref.Val {
	t, err := e.local(at, zone)
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Int((int(t.Weekday())+6)%7 + 1)
}

// between reports whether a time of day is in [from, to); over midnight where from
// is the later one.
func (e *environment) between(args ...ref.Val) ref.Val {
	t, err := e.local(args[0], args[3])
	if err != nil {
		return types.WrapErr(err)
	}
	from, to, err := span(textArg(args, 1), textArg(args, 2))
	if err != nil {
		return types.WrapErr(err)
	}
	now := t.Hour()*60 + t.Minute()
	if from < to {
		return types.Bool(from <= now && now < to)
	}
	return types.Bool(from <= now || now < to)
}

// span reads two times of day, in minutes.
func span(from, to string) (a, b int, err error) {
	if a, err = minuteOfDay(from); err == nil {
		b, err = minuteOfDay(to)
	}
	if err == nil && a == b {
		err = fmt.Errorf("between %q and %q is an empty span: write 00:00 and 24:00 for the whole day", from, to)
	}
	return a, b, err
}

func minuteOfDay(text string) (int, error) {
	if text == "24:00" {
		return 24 * 60, nil
	}
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != len("15:04") {
		return 0, fmt.Errorf("%q is no time of day: write it as 09:00", plaintext.Cut(text, maxNumber))
	}
	return t.Hour()*60 + t.Minute(), nil
}

func epochMillis(v ref.Val) ref.Val { return types.Int(arg[types.Timestamp](v).UnixMilli()) }

func epochSeconds(v ref.Val) ref.Val { return types.Int(arg[types.Timestamp](v).Unix()) }

// mmss writes seconds as minutes and seconds, "02:05"; an hour is "60:00".
func mmss(v ref.Val) ref.Val {
	n := arg[types.Int](v)
	if n < 0 {
		return types.NewErr("mmss of a negative number of seconds")
	}
	return types.String(fmt.Sprintf("%02d:%02d", n/60, n%60))
}

// zones keeps the time zones that expressions named, so that none is read
// twice. Only zones that exist are kept, so it is bounded. Safe for concurrent
// use.
type zones struct{ loaded sync.Map }

func (z *zones) load(name string) (*time.Location, error) {
	known, _ := z.loaded.Load(name)
	if location, ok := known.(*time.Location); ok {
		return location, nil
	}
	if name == "" || name == "Local" {
		return nil, errors.New(`a time zone must be named, such as "UTC" or "Asia/Jakarta"`)
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("unknown time zone %q: write an IANA name such as \"Asia/Jakarta\"", name)
	}
	z.loaded.Store(name, location)
	return location, nil
}
