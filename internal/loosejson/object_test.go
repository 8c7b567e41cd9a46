package loosejson_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKeysWithoutCase(t *testing.T) {
	t.Parallel()
	o := parse(t, `{"startTime":1,"DISNUMBER":2,"call\u0049d":3,"İ":4}`)
	for key, want := range map[string]string{
		"starttime": "1", "disNumber": "2", "callid": "3", "CALLID": "3", "i̇": "", "start": "", "": "",
	} {
		if got := o.Text(key); got != want {
			t.Errorf("%q: got %q, want %q", key, got, want)
		}
	}
}

func TestTheLastOfEqualKeysWins(t *testing.T) {
	t.Parallel()
	if got := parse(t, `{"id":1,"ID":2,"id":null,"Id":"4"}`).Text("id"); got != "4" {
		t.Errorf("got %q, want 4", got)
	}
}

func TestScalars(t *testing.T) {
	t.Parallel()
	type reading struct {
		Text string
		Int  any // nil: not ok
		Bool any
	}
	for value, want := range map[string]reading{
		`7`:                      {"7", int64(7), nil},
		`"7"`:                    {"7", int64(7), nil},
		`" 7 "`:                  {"7", int64(7), nil},
		`7.9`:                    {"7.9", int64(7), nil},
		`"-7.9"`:                 {"-7.9", int64(-7), nil},
		`1e3`:                    {"1e3", int64(1000), nil},
		`1e400`:                  {"1e400", nil, nil},
		`"NaN"`:                  {"NaN", nil, nil},
		`9223372036854775807`:    {"9223372036854775807", int64(9223372036854775807), nil},
		`12345678901234567890`:   {"12345678901234567890", nil, nil},
		`"1688363452814331904"`:  {"1688363452814331904", int64(1688363452814331904), nil},
		`1688363452814331904`:    {"1688363452814331904", int64(1688363452814331904), nil},
		`""`:                     {"", nil, nil},
		`null`:                   {"", nil, nil},
		`true`:                   {"true", nil, true},
		`"FALSE"`:                {"FALSE", nil, false},
		`1`:                      {"1", int64(1), true},
		`"0"`:                    {"0", int64(0), false},
		`"\u8f6c\u4eba\u5de5\n"`: {"转人工", nil, nil},
		`"\ud800x"`:              {"\ufffdx", nil, nil},
		`[1]`:                    {"", nil, nil},
		`{"a":1}`:                {"", nil, nil},
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			o := parse(t, `{"k":`+value+`}`)
			got := reading{Text: o.Text("k")}
			if n, ok := o.Int("k"); ok {
				got.Int = n
			}
			if b, ok := o.Bool("k"); ok {
				got.Bool = b
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHas(t *testing.T) {
	t.Parallel()
	o := parse(t, `{"a":"","b":null,"c":0}`)
	for _, tt := range []struct {
		keys []string
		want bool
	}{
		{[]string{"a"}, true},
		{[]string{"b"}, false},
		{[]string{"C"}, true},
		{[]string{"d"}, false},
		{[]string{"d", "b", "c"}, true},
		{nil, false},
	} {
		if got := o.Has(tt.keys...); got != tt.want {
			t.Errorf("%q: got %v", tt.keys, got)
		}
	}
}

func TestComplaints(t *testing.T) {
	t.Parallel()
	o := parse(t, `{"n":"a\"b","list":[],"obj":{},"flag":"maybe","num":1.5e999,"fine":1,"empty":"","no":null}`)
	for range 2 { // each only once
		for _, k := range []string{"n", "list", "num", "fine", "empty", "no", "absent"} {
			o.Int(k)
		}
		o.Text("obj")
		o.Bool("flag")
		o.Complain("fine", "is odd")
	}
	want := []string{
		`n "a\"b" is not a whole number`,
		`list is a list, not a text or number`,
		`num 1.5e999 is not a whole number`,
		`obj is an object, not a text or number`,
		`flag "maybe" is neither true nor false`,
		`fine 1 is odd`,
	}
	if diff := cmp.Diff(want, o.Complaints()); diff != "" {
		t.Error(diff)
	}
}
