package outbound

import (
	"net/http"
	"testing"
	"time"
)

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{ // 0 is absent
		"":                                  0,
		"120":                               2 * time.Minute,
		" 7 ":                               7 * time.Second,
		"0":                                 time.Second,
		"3600":                              time.Hour,
		"3601":                              time.Hour,
		"9223372037":                        time.Hour, // overflows nanoseconds
		"9223372036854775808":               time.Hour, // overflows int64
		"99999999999999999999999999999999":  time.Hour,
		"-1":                                0,
		"+5":                                0,
		"1.5":                               1500 * time.Millisecond,
		"0.2":                               time.Second,
		"3600.5":                            time.Hour,
		"5.":                                0,
		".5":                                0,
		"1.2.3":                             0,
		"-1.5":                              0,
		"NaN":                               0,
		"Inf":                               0,
		"0x10":                              0,
		"1e3":                               0,
		"soon":                              0,
		"١٢":                                0, // digits, but not HTTP's
		"Sun, 01 Mar 2026 12:00:30 GMT":     30 * time.Second,
		"Sunday, 01-Mar-26 12:01:00 GMT":    time.Minute,
		"Sun Mar  1 12:02:00 2026":          2 * time.Minute,
		"Sun, 01 Mar 2026 11:00:00 GMT":     time.Second, // past: at once, but not in a loop
		"Tue, 01 Mar 2050 12:00:00 GMT":     time.Hour,
		"Fri, 31 Dec 9999 23:59:59 GMT":     time.Hour,
		"Sun, 01 Mar 2026 12:00:30 +0800":   0,
		"2026-03-01T12:00:30Z":              0,
		"Mon, 99 Mar 2026 12:00:30 GMT":     0,
		"Thu, 01 Jan 0001 00:00:00 GMT":     time.Second,
		"Sun, 01 Mar 2026 12:00:30 GMT, 30": 0,
	} {
		got, ok := retryAfter(http.Header{"Retry-After": {text}}, now)
		if got != want || ok != (want != 0) {
			t.Errorf("%q: got %v %v, want %v", text, got, ok, want)
		}
	}
}

func TestRetryAfterTakesTheFirstUsableOne(t *testing.T) {
	if got, _ := retryAfter(http.Header{"Retry-After": {"soon", "4", "9"}}, time.Now()); got != 4*time.Second {
		t.Errorf("got %v", got)
	}
}

func FuzzRetryAfter(f *testing.F) {
	for _, s := range []string{"", "0", "120", "-1", "9223372037", "99999999999999999999", "Sun, 01 Mar 2026 12:00:30 GMT", "Sunday, 01-Mar-26 12:01:00 GMT", "Sun Mar  1 12:02:00 2026"} {
		f.Add(s, int64(1772366400))
	}
	f.Fuzz(func(t *testing.T, text string, now int64) {
		got, ok := retryAfter(http.Header{"Retry-After": {text}}, time.Unix(now, 0))
		if ok && (got < time.Second || got > time.Hour) || !ok && got != 0 {
			t.Errorf("%q: %v %v", text, got, ok)
		}
	})
}
