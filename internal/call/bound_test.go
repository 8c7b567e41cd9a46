package call_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/cdrelay/cdrelay/internal/call"
)

// eachText calls f for each text of a record but those that no callback sets.
func eachText(v reflect.Value, path string, f func(path string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.String:
		switch path {
		case "schema", "id", "source", "format", "direction", "method", "outcome", "hangup.by", "origin":
		default:
			f(path, v)
		}
	case reflect.Pointer:
		if v.Type().Elem().Kind() == reflect.Struct && !v.IsNil() {
			eachText(v.Elem(), path, f)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.String {
			for i := range v.Len() {
				f(path+"[]", v.Index(i))
			}
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[call.Time]() {
			return
		}
		for i := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
			eachText(v.Field(i), strings.TrimPrefix(path+"."+name, "."), f)
		}
	default:
	}
}

// stuffed is a record of which every text is as long as given.
func stuffed(letter string, length, warnings int) *call.Record {
	r := &call.Record{
		Schema: call.SchemaID, ID: "s:1", Source: "s", Format: "f", Customer: &call.Party{},
		Warnings: make([]string, warnings), Raw: json.RawMessage(`{"a":1}`),
	}
	eachText(reflect.ValueOf(r).Elem(), "", func(_ string, v reflect.Value) {
		v.SetString(strings.Repeat(letter, length/len(letter)+1))
	})
	return r
}

// TestBound fills every text of the record: a field that Bound forgets fails here.
func TestBound(t *testing.T) {
	for _, letter := range []string{"a", "<", "‹", "🙂", `"`, "\x01", "\u2028"} {
		for _, length := range []int{1, 200, 2000, 5000, 100_000} {
			r := stuffed(letter, length, 100)
			before := stuffed(letter, length, 100)
			if err := r.Bound(len(r.Raw)); err != nil {
				t.Fatal(err)
			}
			eachText(reflect.ValueOf(r).Elem(), "", func(path string, v reflect.Value) {
				limit := call.MaxText
				if path != "id" && (strings.HasSuffix(path, ".id") || strings.HasSuffix(path, "_id")) {
					limit = call.MaxID
				}
				if len(v.String()) > limit || !utf8.ValidString(v.String()) {
					t.Errorf("%d × %q: %s has %d bytes", length, letter, path, len(v.String()))
				}
			})
			if n := len(r.JSON()); n > len(r.Raw)+call.MaxGrowth {
				t.Errorf("%d × %q: the record has %d bytes", length, letter, n)
			}
			if r.ID != before.ID || string(r.Raw) != string(before.Raw) {
				t.Error("the identity or the callback was changed")
			}
		}
	}
}

// TestBoundLeavesUsualRecords: what is within the bounds stays, without a warning.
func TestBoundLeavesUsualRecords(t *testing.T) {
	full := &call.Record{
		Schema: call.SchemaID, ID: "s:1", From: call.Party{Raw: strings.Repeat("<", call.MaxText)},
		References: call.References{OrderID: strings.Repeat("1", call.MaxID), Custom: strings.Repeat("é", call.MaxText/2)},
		Warnings:   []string{"one"}, Raw: json.RawMessage(`{}`),
	}
	before := *full
	if err := full.Bound(2); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(&before, full) {
		t.Errorf("a record within its bounds was changed: %s", full.JSON())
	}
}

func TestBoundWarns(t *testing.T) {
	r := &call.Record{Agent: call.Agent{ID: strings.Repeat("7", 300)}, Cost: strings.Repeat("‹", 1000)}
	for range 50 {
		r.Warn("w")
	}
	if err := r.Bound(0); err != nil {
		t.Fatal(err)
	}
	if len(r.Agent.ID) != 256 || len(r.Cost) != 2046 {
		t.Errorf("cut to %d and %d bytes", len(r.Agent.ID), len(r.Cost))
	}
	if n := len(r.Warnings); n != 32 || r.Warnings[31] != "21 more warnings" {
		t.Errorf("%d warnings, the last %q", n, r.Warnings[n-1])
	}
	r = &call.Record{Customer: &call.Party{Raw: strings.Repeat("1", 3000)}, From: call.Party{Raw: strings.Repeat("1", 3000)}}
	if err := r.Bound(0); err != nil {
		t.Fatal(err)
	}
	if len(r.Warnings) != 1 || r.Warnings[0] != "from.raw was cut from 3000 to 2048 bytes" || *r.Customer != r.From {
		t.Errorf("%q", r.Warnings)
	}
}

func FuzzBound(f *testing.F) {
	f.Add("a", uint16(2049), uint8(3))
	f.Add("\x01", uint16(60_000), uint8(200))
	f.Add("🙂x", uint16(257), uint8(32))
	f.Fuzz(func(t *testing.T, letter string, length uint16, warnings uint8) {
		if letter == "" || !utf8.ValidString(letter) {
			return
		}
		r := stuffed(letter, int(length), int(warnings))
		if err := r.Bound(len(r.Raw)); err != nil {
			t.Fatal(err)
		}
		if n := len(r.JSON()); n > len(r.Raw)+call.MaxGrowth {
			t.Errorf("the record has %d bytes", n)
		}
		eachText(reflect.ValueOf(r).Elem(), "", func(path string, v reflect.Value) {
			if len(v.String()) > call.MaxText || !utf8.ValidString(v.String()) {
				t.Errorf("%s: %d bytes", path, len(v.String()))
			}
		})
	})
}
