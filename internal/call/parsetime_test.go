package call_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
)

func TestParseTime(t *testing.T) {
	t.Parallel()
	beijing := time.FixedZone("", 8*60*60)
	const noon, exact, short = "2018-03-14T04:18:21.000Z", "2018-03-14T04:18:21.250Z", "2018-03-14T04:18:00.000Z"
	for text, want := range map[string]string{
		"2018-03-14 12:18:21":               noon,
		"2018-03-14T12:18:21":               noon,
		"2018-03-14t12:18:21":               noon,
		"2018/03/14 12:18:21":               noon,
		"2018/3/14 12:18:21":                noon,
		"2018.03.14 12:18:21":               noon,
		"2018-03-14  12:18:21":              noon,
		"2018-03-14\u00a012:18:21":          noon,
		"2018-03-14\u300012:18:21\u200e":    noon,
		"\u202a2018-03-14\t12:18:21\u202c ": noon,
		"2018-03-14 12:18:21.25":            exact,
		"2018-03-14 12:18:21,250":           exact,
		"2018-03-14T12:18:21.250000Z":       "2018-03-14T12:18:21.250Z",
		"2018/03/14 12:18":                  short,
		"2018-03-14T12:18":                  short,
		"2018-03-14 9:05":                   "2018-03-14T01:05:00.000Z",
		"2018-03-14T04:18:21Z":              noon,
		"2018-03-14T04:18:21z":              noon,
		"2018-03-14 04:18:21 UTC":           noon,
		"2018-03-14T12:18:21+08:00":         noon,
		"2018-03-14T12:18:21+0800":          noon,
		"2018-03-14T12:18:21+08":            noon,
		"2018-03-14 12:18:21 +8":            noon,
		"2018-03-14 12:18:21 UTC+8":         noon,
		"2018-03-14 12:18:21 GMT+08:00":     noon,
		"2018-03-13T23:18:21-05:00":         noon,
		"2018-03-14 09:48:21+05:30":         noon,
		"2018-03-14T12:18+08:00":            short,
		"20180314121821":                    noon,
		"201803141218":                      short,
		"20180314T121821":                   noon,
		"20180314T041821Z":                  noon,
		"14/03/2018 12:18:21":               noon,
		"03/14/2018 12:18:21":               noon,
		"3/14/2018 12:18:21 PM":             noon,
		"03/14/2018 00:18:21":               "2018-03-13T16:18:21.000Z",
		"14-03-2018 12:18":                  short,
		"14.03.2018 12:18:21":               noon,
		"04.03.2018 12:18:21":               "2018-03-04T04:18:21.000Z",
		"05/05/2018 12:18:21":               "2018-05-05T04:18:21.000Z",
		"14-Mar-2018 12:18:21":              noon,
		"14 Mar 2018 12:18:21":              noon,
		"Wed, 14 Mar 2018 12:18:21 +0800":   noon,
		"Wed, 14 Mar 2018 04:18:21 GMT":     noon,
		"2018年3月14日 12:18:21":               noon,
		"2018年03月14日12时18分21秒":              noon,
		"2018年3月14日 12时18分":                 short,
		"1521001101":                        noon,
		"1521001101.25":                     exact,
		"1521001101000":                     noon,
		"1521001101250":                     exact,
		"1521001101250000":                  exact,
	} {
		got, problem := call.ParseTime(text, beijing)
		if problem != "" || got.Format("2006-01-02T15:04:05.000Z07:00") != want {
			t.Errorf("%q: %v, %q, want %s", text, got, problem, want)
		}
	}
}

func TestParseTimeOfNothing(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "0", "0.0", "0000-00-00 00:00:00", "1970-01-01 08:00:00", "1970/01/01 08:00", "1969-12-31T19:00:00", "0001-01-01T00:00:00Z", "1900-01-01 00:00:00",
	} {
		if got, problem := call.ParseTime(text, time.UTC); !got.IsZero() || problem != "" {
			t.Errorf("%q: %v, %q", text, got, problem)
		}
	}
}

func TestParseTimeRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"03/04/2018 12:18:21":      "may be two dates",
		"3-4-2018 12:18":           "may be two dates",
		"2018-03-14":               "is no time",
		"14/03/2018":               "is no time",
		"12:18:21":                 "is no time",
		"18/03/14 12:18:21":        "is no time",
		"2018-13-14 12:18:21":      "is no time",
		"2018-02-30 12:18:21":      "is no time",
		"2018-03-14 24:18:21":      "is no time",
		"2018-03-14 12:18:21 CST":  "is no time",
		"2018-03-14 12:18:21 PM 1": "is no time",
		"2125-03-14 12:18:21":      "is no time",
		"yesterday":                "is no time",
		"-5":                       "is no time",
		"12345":                    "is no time",
		"99999999999999999999":     "is no time",
		"1521001101.2.5":           "is no time",
		"20180314":                 "is no time",
		strings.Repeat(":", 10000): "is no time",
	} {
		if got, problem := call.ParseTime(text, time.UTC); !got.IsZero() || !strings.HasPrefix(problem, want) {
			t.Errorf("%.40q: %v, %q, want %s", text, got, problem, want)
		}
	}
	if got, problem := call.ParseTime("2018-03-14 12:18:21", nil); !got.IsZero() || !strings.HasPrefix(problem, "has no time zone") {
		t.Errorf("without a zone: %v, %q", got, problem)
	}
	if got, problem := call.ParseTime("2018-03-14 12:18:21+08:00", nil); got.IsZero() || problem != "" {
		t.Errorf("with an offset: %v, %q", got, problem)
	}
}

func FuzzParseTime(f *testing.F) {
	for _, seed := range []string{"2018-03-14 12:18:21", "14/03/2018 1:02 PM", "1521001101.25", "Wed, 14 Mar 2018 12:18:21 +0800", "20180314T121821Z", "2018年3月14日", "+:-", "1 T:"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, problem := call.ParseTime(text, time.UTC)
		if !got.IsZero() && (problem != "" || !call.Plausible(got.Time)) {
			t.Fatalf("%q: %v, %q", text, got, problem)
		}
		if got.IsZero() {
			return
		}
		if again, problem := call.ParseTime(got.Format(time.RFC3339Nano), nil); problem != "" || !again.Equal(got.Time) {
			t.Fatalf("%q is %v, which is read as %v, %q", text, got, again, problem)
		}
	})
}
