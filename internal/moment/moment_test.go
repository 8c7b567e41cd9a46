package moment_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/moment"
)

func TestParse(t *testing.T) {
	jakarta := time.FixedZone("WIB", 7*3600)
	now := time.Date(2026, 2, 1, 1, 30, 0, 0, jakarta) // the day before in UTC
	for text, want := range map[string]string{
		"now": "2026-02-01T01:30:00+07:00", "today": "2026-02-01T00:00:00+07:00", "yesterday": "2026-01-31T00:00:00+07:00", " Yesterday ": "2026-01-31T00:00:00+07:00",
		"90m": "2026-02-01T00:00:00+07:00", "2h": "2026-01-31T23:30:00+07:00", "2h ago": "2026-01-31T23:30:00+07:00", "1h30m": "2026-02-01T00:00:00+07:00",
		"3d": "2026-01-29T01:30:00+07:00", "1.5d": "2026-01-30T13:30:00+07:00", "1d12h": "2026-01-30T13:30:00+07:00", "0s": "2026-02-01T01:30:00+07:00", "0d": "2026-02-01T01:30:00+07:00",
		"09:30": "2026-02-01T09:30:00+07:00", "00:05:09": "2026-02-01T00:05:09+07:00",
		"2026-01-31": "2026-01-31T00:00:00+07:00", "2026-01-31 09:30": "2026-01-31T09:30:00+07:00", "2026-01-31T09:30": "2026-01-31T09:30:00+07:00",
		"2026-01-31 09:30:15": "2026-01-31T09:30:15+07:00", "2026-01-31T09:30:15.5": "2026-01-31T09:30:15+07:00",
		"2026-01-31T09:30:00Z": "2026-01-31T09:30:00Z", "2026-01-31t09:30:00z": "2026-01-31T09:30:00Z", "2026-01-31T09:30:00+09:00": "2026-01-31T09:30:00+09:00",
		"2026-01-31 09:30Z": "2026-01-31T09:30:00Z", "2026-01-31 09:30:00 +09:00": "2026-01-31T09:30:00+09:00", "2026-01-31 09:30:00+09:00": "2026-01-31T09:30:00+09:00",
		// what is none
		"": "", "tomorrow": "", "-2h": "", "2x": "", "h": "", "d": "", "NaNd": "", "-1d": "", "1e9d": "", "infd": "", "1d-2h": "", "2540400h": "", "25:00": "", "2026-02-30": "", "30.11.2026": "", "2026-01-31 09:30 WIB": "",
	} {
		got, err := moment.Parse(text, now)
		switch {
		case want == "" && (err == nil || !strings.Contains(err.Error(), "yesterday")):
			t.Errorf("%q: %v %v, want an error that names the forms", text, got, err)
		case want != "" && (err != nil || got.Format(time.RFC3339) != want):
			t.Errorf("%q: %v %v, want %s", text, got, err, want)
		}
	}
}

// TestYesterdayOverASwitch: the day before a switch of the clock has other than 24
// hours, and begins at midnight nonetheless.
func TestYesterdayOverASwitch(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 30, 12, 0, 0, 0, berlin)
	for text, want := range map[string]string{
		"yesterday": "2026-03-29T00:00:00+01:00", "today": "2026-03-30T00:00:00+02:00", "2026-03-29 01:30": "2026-03-29T01:30:00+01:00", "2026-03-29 03:30": "2026-03-29T03:30:00+02:00",
	} {
		if got, err := moment.Parse(text, now); err != nil || got.Format(time.RFC3339) != want {
			t.Errorf("%s: %v %v, want %s", text, got, err, want)
		}
	}
}

func TestZone(t *testing.T) {
	for name, want := range map[string]string{
		"Asia/Jakarta": "", "UTC": "", "": "unknown time zone", "Asia/Atlantis": "unknown time zone", "../zone": "unknown time zone", "Local": "the machine's own zone",
	} {
		zone, err := moment.Zone(name)
		switch {
		case want == "" && (err != nil || zone.String() != name):
			t.Errorf("%q: %v %v", name, zone, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %q", name, err, want)
		}
	}
}
