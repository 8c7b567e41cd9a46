package phone_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/phone"
)

func national(region string) phone.Reading { return phone.Reading{National: true, Region: region} }

func international() phone.Reading { return phone.Reading{International: true} }

func either(region string) phone.Reading {
	return phone.Reading{International: true, National: true, Region: region}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		reading    phone.Reading
		want       string
	}{
		{"national, no trunk zero", "81351111451", national("ID"), "+6281351111451"},
		{"national, not Japan", "81351111451", national(""), ""},
		{"national, trunk zero before a mobile number", "015029913692", national("CN"), "+8615029913692"},
		{"national, trunk zero before a landline", "02566823420", national("CN"), "+862566823420"},
		{"national, with the country's own code", "6281351111451", national("ID"), "+6281351111451"},
		{"national, invalid", "1234", national("ID"), ""},
		{"national, an unknown region", "81351111451", national("XX"), ""},
		{"international first: Hong Kong", "85235757581", either("ID"), "+85235757581"},
		{"national only: the library's trap", "85235757581", national("ID"), "+6285235757581"},
		{"international fails, then the region", "35757581", either("HK"), "+85235757581"},
		{"international only", "35757581", international(), ""},
		{"international only ignores the region", "35757581", phone.Reading{International: true, Region: "HK"}, ""},
		{"no reading, no number", "85235757581", phone.Reading{Region: "HK"}, ""},
		{"plus beats every reading", "+85235757581", national("ID"), "+85235757581"},
		{"plus without a reading", "+85235757581", phone.Reading{}, "+85235757581"},
		{"plus and invalid", "+6212", either("ID"), ""},
		{"plus with a trunk zero is no country", "+081351111451", national("ID"), ""},
		{"plus means the country even where the region would fit", "+81351111451", national("ID"), "+81351111451"},
		{"separators", " +62 (813) 5111-1451 ", phone.Reading{}, "+6281351111451"},
		{"two pluses", "++6281351111451", either("ID"), ""},
		{"tel URI, upper case, national", "TEL:081351111451", national("ID"), "+6281351111451"},
		{"tel URI with context", "tel:81351111451;phone-context=+62", phone.Reading{}, "+6281351111451"},
		{"tel URI with a name as context", "tel:1234;phone-context=example.com", national("ID"), ""},
		{"letters are not dialled", "1800FLOWERS", national("US"), ""},
		{"anonymous", "anonymous", either("ID"), ""},
		{"empty", "", either("ID"), ""},
		{"blank", " \t", either("ID"), ""},
		{"only separators", "---", either("ID"), ""},
		{"only a plus", "+", either("ID"), ""},
		{"zero", "0", either("ID"), ""},
		{"very long", strings.Repeat("8", 300), either("ID"), ""},
		{"longer than any number", strings.Repeat("8", 41), either("ID"), ""},
		{"00 before a country code, in every region", "0085235757581", national("ID"), "+85235757581"},
		{"00 before the country code of the region", "006281351111451", national("ID"), "+6281351111451"},
		{"00 without a region", "00 852 3575 7581", phone.Reading{}, "+85235757581"},
		{"00 where only digits with a plus are numbers", "0085235757581", international(), "+85235757581"},
		{"00 before no country code", "0012", either("ID"), ""},
		{"full width", "０８１３５１１１１４５１", national("ID"), "+6281351111451"},
		{"full width, with its signs", "＋６２（８１３）５１１１－１４５１", phone.Reading{}, "+6281351111451"},
		{"a space of no break", "+62\u00a0813\u202f5111\u30001451", phone.Reading{}, "+6281351111451"},
		{"hyphens of a typesetter", "+62‑813–5111−1451", phone.Reading{}, "+6281351111451"},
		{"bidirectional marks", "\u202a+6281351111451\u202c\u200e", phone.Reading{}, "+6281351111451"},
		{"a mark within", "\u200b8135\u00ad1111451\ufeff", national("ID"), "+6281351111451"},
		{"a decimal number", "81351111451.0", national("ID"), "+6281351111451"},
		{"a decimal number with a plus", "+6281351111451.00", phone.Reading{}, "+6281351111451"},
		{"points that separate", "0813.5111.1451", national("ID"), "+6281351111451"},
		{"name-addr with a number", `"Bob" <+85235757581>`, phone.Reading{}, "+85235757581"},
		{"name-addr with a tel URI", `Bob <tel:+852-3575-7581>;tag=1`, phone.Reading{}, "+85235757581"},
		{"name-addr that is not closed", `<+85235757581`, phone.Reading{}, ""},
		{"name-addr with nothing in it", `"Bob" <>`, either("HK"), ""},
		{"digits of another script stay raw", "٠٨١٣٥١١١١٤٥١", national("ID"), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := phone.Read(tt.text, tt.reading)
			got.Other = ""
			if got != (phone.Address{Number: tt.want}) {
				t.Errorf("%q: got %+v, want number %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestSIP(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want phone.Address
	}{
		{"agent7@pbx.example.com:5060", phone.Address{SIP: "agent7@pbx.example.com"}},
		{"agent7@pbx.example.com", phone.Address{SIP: "agent7@pbx.example.com"}},
		{"sip:agent7@PBX.Example.com:5060;transport=tcp?subject=x", phone.Address{SIP: "agent7@pbx.example.com"}},
		{"SIPS:agent7@pbx.example.com:5061", phone.Address{SIP: "agent7@pbx.example.com"}},
		{"sip:agent7:secret@pbx.example.com", phone.Address{SIP: "agent7@pbx.example.com"}},
		{"1001@10.0.0.7:5060", phone.Address{SIP: "1001@10.0.0.7"}},
		{"1001@[2001:DB8::1]:5060", phone.Address{SIP: "1001@[2001:db8::1]"}},
		{"1001@[2001:db8:0:0:0:0:0:1]", phone.Address{SIP: "1001@[2001:db8::1]"}},
		{"85235757581@10.0.0.7:5060", phone.Address{SIP: "85235757581@10.0.0.7", Number: "+85235757581"}},
		{"%2B85235757581@10.0.0.7", phone.Address{SIP: "+85235757581@10.0.0.7", Number: "+85235757581"}},
		{"sip:+852-3575-7581;ext=1@10.0.0.7", phone.Address{SIP: "+852-3575-7581@10.0.0.7", Number: "+85235757581", Extension: "1"}},
		{`"Bob" <sip:85235757581@10.0.0.7:5060;transport=tcp>;tag=a`, phone.Address{SIP: "85235757581@10.0.0.7", Number: "+85235757581"}},
		{"<sip:agent7@pbx.example.com>", phone.Address{SIP: "agent7@pbx.example.com"}},
		{"agent7＠pbx.example.com", phone.Address{SIP: "agent7@pbx.example.com"}},
		{"a%40b@example.com", phone.Address{SIP: "a%40b@example.com"}},
		{"a%20b@example.com", phone.Address{SIP: "a%20b@example.com"}},
		// The example as the vendor's page masks it is no address at all.
		{"[email protected]:5060", phone.Address{}},
		{"[email protected]", phone.Address{}},
		{"sip:pbx.example.com:5060", phone.Address{}},
		{"sip:@pbx.example.com", phone.Address{}},
		{"a b@example.com", phone.Address{}},
		{"a%zz@example.com", phone.Address{}},
		{"a@", phone.Address{}},
		{"a@b c", phone.Address{}},
		{"a@host:0", phone.Address{}},
		{"a@host:65536", phone.Address{}},
		{"a@host:port", phone.Address{}},
		{"a@host..example", phone.Address{}},
		{"a@[2001:db8::1", phone.Address{}},
		{"a@[2001:db8::1]5060", phone.Address{}},
		{"a@[10.0.0.1]", phone.Address{}},
		{"a@[fe80::1%eth0]", phone.Address{}},
		{"@", phone.Address{}},
	} {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, phone.Read(tt.text, international())); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExtensions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]phone.Address{
		"tel:+62-813-5111-1451;ext=12":          {Number: "+6281351111451", Extension: "12"},
		"+6281351111451;ext=12":                 {Number: "+6281351111451", Extension: "12"},
		"+6281351111451;phone-context=x;EXT=12": {Number: "+6281351111451", Extension: "12"},
		"+6281351111451;ext=":                   {Number: "+6281351111451"},
		"1001;ext=12":                           {Extension: "12"},
	} {
		if got := phone.Read(text, phone.Reading{}); got != want {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

// What may be another number says so; what a plus sign or the source decides does
// not.
func TestOtherReadings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text    string
		reading phone.Reading
		other   string
	}{
		{"85235757581", either("ID"), "+6285235757581"},
		{"85235757581", either("HK"), ""},
		{"85235757581", either(""), ""},
		{"85235757581", international(), ""},
		{"85235757581", national("ID"), ""},
		{"+85235757581", either("ID"), ""},
		{"0085235757581", either("ID"), ""},
		{"81351111451", either("ID"), "+6281351111451"},
		{"6281351111451", either("ID"), ""},
		{"35757581", either("HK"), ""},
		{"sip:85235757581@10.0.0.7", either("ID"), "+6285235757581"},
	} {
		if got := phone.Read(tt.text, tt.reading); got.Other != tt.other || got.Other != "" && got.Number == "" {
			t.Errorf("%s, %+v: %+v", tt.text, tt.reading, got)
		}
	}
}

func TestKnownRegion(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{"ID": true, "HK": true, "CN": true, "XX": false, "id": false, "": false} {
		if got := phone.KnownRegion(code); got != want {
			t.Errorf("%q: got %v", code, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range []string{
		"81351111451", "+85235757581", "015029913692", "sip:+62813@host:5060;a=b?c", "1001@[2001:db8::1]:5060",
		"tel:1234;phone-context=+1", "%2B85235757581@10.0.0.7", "[email protected]:5060", "a%40b@c", "００", "\xff@a",
	} {
		f.Add(s, "ID", true, true)
	}
	e164 := regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)
	f.Fuzz(func(t *testing.T, text, region string, isInternational, isNational bool) {
		r := phone.Reading{International: isInternational, National: isNational, Region: region}
		got := phone.Read(text, r)
		if got.Number != "" && !e164.MatchString(got.Number) {
			t.Fatalf("%q: %q is not E.164", text, got.Number)
		}
		if got.SIP != "" && phone.Read(got.SIP, r).SIP != got.SIP {
			t.Fatalf("%q: %q does not read as itself", text, got.SIP)
		}
		if got.Number != "" && phone.Read(got.Number, phone.Reading{}).Number != got.Number {
			t.Fatalf("%q: %q does not read as itself", text, got.Number)
		}
	})
}
