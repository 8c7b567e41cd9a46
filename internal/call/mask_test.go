package call

import "testing"

func TestMaskText(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "",
		"422: the field phone is missing":    "422: the field phone is missing",
		`no number: "+6281234567890"`:        `no number: "+62*********90"`,
		"081234567890,0215551234":            "081*******90,021*****34",
		"+62 812-3456-7890 is taken":         "+62************90 is taken",
		"(021) 555.1234":                     "(021********34",
		"10.20.30.40: connection refused":    "10.20.30.40: connection refused",
		"id 123456, after 15000 ms, 503":     "id 123456, after 15000 ms, 503",
		"sip:6281234567890@example.com":      "sip:628********90@example.com",
		"call dialer:77-12345678 is unknown": "call dialer:77-******78 is unknown",
	} {
		if got := MaskText(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
