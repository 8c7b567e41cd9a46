package phone_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/phone"
)

func TestFormsOf(t *testing.T) {
	jakarta := phone.Forms{E164: "+6281234567890", Digits: []string{"6281234567890", "81234567890", "081234567890"}}
	for _, tt := range []struct {
		typed   string
		regions []string
		want    phone.Forms
	}{
		{"+62 812-3456-7890", nil, jakarta},
		{"6281234567890", []string{"ID"}, jakarta},
		{"006281234567890", nil, jakarta},
		{"0812 3456 7890", []string{"ID"}, jakarta},
		{"3575 7581", []string{"HK"}, phone.Forms{E164: "+85235757581", Digits: []string{"85235757581", "35757581"}}},
		{"+7 912 345-67-89", nil, phone.Forms{E164: "+79123456789", Digits: []string{"79123456789", "9123456789", "89123456789"}}},
		{"+39 06 6982", nil, phone.Forms{E164: "+39066982", Digits: []string{"39066982", "066982", "66982"}}},
		{"0999999999", nil, phone.Forms{Digits: []string{"999999999"}}},
	} {
		got, err := phone.FormsOf(tt.typed, tt.regions)
		if err != nil || got.E164 != tt.want.E164 || !slices.Equal(got.Digits, tt.want.Digits) {
			t.Errorf("%q: %+v %v, want %+v", tt.typed, got, err, tt.want)
		}
	}
}

func TestFormsOfRefuses(t *testing.T) {
	for _, tt := range []struct {
		typed   string
		regions []string
		want    string
	}{
		{"", nil, "is no telephone number"},
		{"bob", nil, "is no telephone number"},
		{"1001", []string{"ID"}, "too short"},
		{"0000000000", nil, "too short"},
		{"021 555 1234", []string{"ID", "NZ"}, " or "},
	} {
		if got, err := phone.FormsOf(tt.typed, tt.regions); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: %+v %v, want an error with %q", tt.typed, got, err, tt.want)
		}
	}
}
