package phone

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

var update = flag.Bool("update", false, "write prefixes.txt anew from the library's metadata")

// TestPrefixesAreThoseOfTheLibrary: run it with -update after a new version.
func TestPrefixesAreThoseOfTheLibrary(t *testing.T) {
	all, err := phonenumbers.MetadataCollection()
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for code := range phonenumbers.GetSupportedCallingCodes() {
		region, found := phonenumbers.GetRegionCodeForCountryCode(code), false
		for _, m := range all.GetMetadata() {
			if m.GetId() == region && int(m.GetCountryCode()) == code {
				lines, found = append(lines, strings.TrimSpace(fmt.Sprintf("%d %s", code, m.GetNationalPrefixForParsing()))), true
			}
		}
		if !found {
			t.Errorf("no metadata of +%d in %s", code, region)
		}
	}
	slices.Sort(lines)
	want := strings.Join(lines, "\n") + "\n"
	if *update {
		if err := os.WriteFile("prefixes.txt", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
	} else if prefixes != want {
		t.Error("prefixes.txt is not what libphonenumber has: run `go test ./internal/phone -update`")
	}
}

// same tells of a text for which the short way says something else than the
// library.
func same(tb testing.TB, text string) (certain bool) {
	tb.Helper()
	q := question{text: text}
	got, certain := q.plain()
	if want := q.ask(); certain && got != want {
		tb.Errorf("%q: %q without parsing, %q by the library", text, got, want)
	}
	return certain
}

// TestPlainNumbersAreWhatTheLibrarySays: examples of every country and kind, with
// digits before, after and within, most of which need no parsing.
func TestPlainNumbersAreWhatTheLibrarySaysNoRace(t *testing.T) {
	asked, certain := 0, 0
	try := func(text string) {
		asked++
		if same(t, text) {
			certain++
		}
	}
	kinds := []phonenumbers.PhoneNumberType{
		phonenumbers.FIXED_LINE, phonenumbers.MOBILE, phonenumbers.TOLL_FREE, phonenumbers.PREMIUM_RATE, phonenumbers.SHARED_COST,
		phonenumbers.VOIP, phonenumbers.PERSONAL_NUMBER, phonenumbers.PAGER, phonenumbers.UAN, phonenumbers.VOICEMAIL,
	}
	for region := range phonenumbers.GetSupportedRegions() {
		code := fmt.Sprint("+", phonenumbers.GetCountryCodeForRegion(region))
		for _, kind := range kinds {
			example := phonenumbers.GetExampleNumberForType(region, kind)
			if example == nil {
				continue
			}
			national := strings.TrimPrefix(phonenumbers.Format(example, phonenumbers.E164), code)
			for digit := range 10 {
				try(fmt.Sprint(code, digit, national))
				try(fmt.Sprint(code, national, digit))
				try(fmt.Sprint(code, digit, national[1:]))
			}
			try(code + national)
			try(code + national[:len(national)-1])
		}
	}
	for code := range phonenumbers.GetSupportedGlobalNetworkCallingCodes() {
		if example := phonenumbers.GetExampleNumberForNonGeoEntity(code); example != nil {
			try(phonenumbers.Format(example, phonenumbers.E164))
		}
	}
	if asked < 20_000 || certain < asked*2/3 {
		t.Errorf("%d of %d needed no parsing", certain, asked)
	}
	for _, text := range []string{"", "+", "+0", "+1", "+44", "+999123456", "6281351111451", "+62 81351111451", "+44(0)2079460958"} {
		if same(t, text) {
			t.Errorf("%q needs no parsing", text)
		}
	}
}

func FuzzPlain(f *testing.F) {
	for _, text := range []string{"+85235757581", "+6281351111451", "+8613800138000", "+14155552671", "+390612345678", "+5491123456789", "+7 800", "+8801"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) { same(t, text) })
}

// BenchmarkValid reads numbers that are not remembered, by the short way and by
// the library's.
func BenchmarkValid(b *testing.B) {
	for _, numbers := range []string{"+8526%07d", "+62812%08d", "+86138%08d"} {
		for way, read := range map[string]func(question){
			"plain": func(q question) { q.plain() }, "library": func(q question) { q.ask() },
		} {
			b.Run(fmt.Sprintf(numbers, 0)+"/"+way, func(b *testing.B) {
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					read(question{text: fmt.Sprintf(numbers, i*7919%1e7)})
				}
			})
		}
	}
}
