package expr

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/cdrelay/cdrelay/internal/call"
)

const (
	formatTimeName = "formatTime"
	toJSONOverload = "to_json_dyn"
)

// functions declares what stands beside CEL's own functions.
func (e *environment) functions() []cel.EnvOption {
	return []cel.EnvOption{
		cel.Function(formatTimeName, cel.Overload("format_time_timestamp_string_string",
			[]*cel.Type{cel.TimestampType, cel.StringType, cel.StringType}, cel.StringType,
			cel.FunctionBinding(e.formatTime))),
		unary("epochMillis", "epoch_millis_timestamp", cel.TimestampType, cel.IntType, epochMillis),
		unary("epochSeconds", "epoch_seconds_timestamp", cel.TimestampType, cel.IntType, epochSeconds),
		unary("mmss", "mmss_int", cel.IntType, cel.StringType, mmss),
		unary("toJSON", toJSONOverload, cel.DynType, cel.StringType, toJSON),
		unary("mask", "mask_string", cel.StringType, cel.StringType, mask),
	}
}

func unary(name, overload string, arg, result *cel.Type, f func(ref.Val) ref.Val) cel.EnvOption {
	return cel.Function(name, cel.Overload(overload, []*cel.Type{arg}, result, cel.UnaryBinding(f)))
}

func (e *environment) formatTime(args ...ref.Val) ref.Val {
	if len(args) != 3 {
		return types.NoSuchOverloadErr()
	}
	t, isTime := args[0].(types.Timestamp)
	layout, isLayout := args[1].(types.String)
	zone, isZone := args[2].(types.String)
	if !isTime || !isLayout || !isZone {
		return types.NoSuchOverloadErr()
	}
	location, err := e.zones.load(string(zone))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.String(t.In(location).Format(string(layout)))
}

func epochMillis(v ref.Val) ref.Val {
	if t, ok := v.(types.Timestamp); ok {
		return types.Int(t.UnixMilli())
	}
	return types.NoSuchOverloadErr()
}

func epochSeconds(v ref.Val) ref.Val {
	if t, ok := v.(types.Timestamp); ok {
		return types.Int(t.Unix())
	}
	return types.NoSuchOverloadErr()
}

// mmss writes seconds as minutes and seconds, "02:05"; an hour is "60:00".
func mmss(v ref.Val) ref.Val {
	n, ok := v.(types.Int)
	if !ok {
		return types.NoSuchOverloadErr()
	}
	if n < 0 {
		return types.NewErr("mmss of a negative number of seconds")
	}
	return types.String(fmt.Sprintf("%02d:%02d", n/60, n%60))
}

func toJSON(v ref.Val) ref.Val {
	text, err := jsonOf(v)
	if err != nil {
		return types.WrapErr(err)
	}
	return types.String(text)
}

func mask(v ref.Val) ref.Val {
	if s, ok := v.(types.String); ok {
		return types.String(call.Mask(string(s)))
	}
	return types.NoSuchOverloadErr()
}

// zones keeps the time zones that expressions named, so that none is read
// twice. Only zones that exist are kept, so it is bounded. Safe for concurrent
// use.
type zones struct{ loaded sync.Map }

func (z *zones) load(name string) (*time.Location, error) {
	if l, ok := z.loaded.Load(name); ok {
		if location, ok := l.(*time.Location); ok {
			return location, nil
		}
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
