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

// TestReadings: what is dialled before a number differs from country to country.
func TestReadings(t *testing.T) {
	for want, all := range map[string][]string{
		"+6281234567890": {"+62 812-3456-7890", "6281234567890", "006281234567890", "0812 3456 7890", "(0812) 3456-7890", "812.3456.7890", "001 62 812 3456 7890"},
		"+79123456789":   {"8 912 345-67-89", "8(912)3456789", "+7 912 345 67 89", "810 7 912 345 67 89", "9123456789"},
		"+12125550123":   {"1 212 555 0123", "1-212-555-0123", "(212) 555-0123", "011 1 212 555 0123", "212/555/0123"},
		"+36301234567":   {"06 30 123 4567", "06-30/123-4567", "+36 30 123 4567", "30 123 4567", "00 36 30 123 4567"},
		"+37061234567":   {"0 612 34567", "612 34567", "+370 612 34567"},
		"+375291234567":  {"8 029 123-45-67", "029 123 45 67"},
		"+85235757581":   {"3575 7581", "852 3575 7581"},
		"+390669823456":  {"06 6982 3456", "+39 06 6982 3456"},
		"+5511987654321": {"0 15 11 98765-4321", "(11) 98765-4321", "011 98765 4321"},
		"+81312345678":   {"03-1234-5678", "010 81 3 1234 5678"},
	} {
		for _, typed := range all {
			if got := phone.Readings(typed); !slices.Contains(got, want) {
				t.Errorf("%q: %v, want %s among them", typed, got, want)
			}
		}
	}
	for _, typed := range []string{"", "bob", "789", "+7890", "+62 812-3456", "sip:1@2"} {
		if got := phone.Readings(typed); len(got) != 0 {
			t.Errorf("%q: %v, want none", typed, got)
		}
	}
	if got := phone.Readings("+62 812-3456-7890"); len(got) != 1 {
		t.Errorf("with its plus sign a number means one: %v", got)
	}
}

func BenchmarkReadings(b *testing.B) {
	for b.Loop() {
		phone.Readings("8 912 345-67-89")
	}
}
