package call_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/cdrelay/cdrelay/internal/call"
)

// TestMaskText: of a text about a call that is not known everything goes that may be
// a number, and nothing that says what else it is.
func TestMaskText(t *testing.T) {
	for text, want := range map[string]string{
		"":                                                      "",
		"422: the field phone is missing":                       "422: the field phone is missing",
		`no number: "+6281234567890"`:                           `no number: "+62*********90"`,
		"081234567890,0215551234":                               "081*******90,021*****34",
		"+62 812-3456-7890 is taken":                            "+62************90 is taken",
		"(021) 555.1234":                                        "(02*********34",
		"10.20.30.40: connection refused":                       "10.20.30.40: connection refused",
		"id 123456, after 15000 ms, 503":                        "id 123456, after 15000 ms, 503",
		"sip:6281234567890@example.com":                         "sip:628********90@example.com",
		"call dialer:77-12345678 is unknown":                    "call dialer:77-******78 is unknown",
		"０８１２３４５６７８９０":                                          "０８１*******９０",
		"%2B6281234567890":                                      "%2B***********90",
		"account 9513923001, order #88001234567, id=1234567890": "account 9513923001, order #88001234567, id=1234567890",
		`"session_id": 1234567890 of 6281234567890`:             `"session_id": 1234567890 of 628********90`,
		"caller id 6281234567890":                               "caller id 628********90",
		"callerid=6281234567890":                                "callerid=628********90",
		"order +6281234567890":                                  "order +62*********90",
		"2026-11-21 00:24:06 and 422":                           "2026-11-21 00:24:06 and 422",
		"at 203.0.113.10:8080":                                  "at 203.0.113.10:8080",
	} {
		if got := call.MaskText(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// others are what stays readable wherever it is: digits are not hidden for being many.
func others() []string {
	return []string{
		"2026-11-21 00:24:06", "2026-11-21T00:24:06.123Z", "21.11.2026 09:30", "01/02/2026", "1764520598", "1764520598123", "20261121002406",
		"1234567.89", "0.1234567", "1.234.567", "10.255.255.53:443", "526d643a-e8fe-11ea-a84a-cf6e45e88543", "01234567-89ab-cdef-0123-456789abcdef",
		"69f1d1be1a82204c6049b4a2797ed0af", "msg_0812345678", "1688363452814331904", "503", "HTTP 404 after 15000 ms",
	}
}

// spellings are the ways in which people and platforms write one number.
func spellings() []string {
	return []string{
		"+6281234567890", "6281234567890", "006281234567890", "081234567890", "81234567890",
		"0812.3456.7890", "0812 3456 7890", "0812-3456-7890", "(0812) 3456-7890", "+62 812 3456 7890", "+62 (812) 3456.7890", "+62-812-3456-7890",
		"０８１２３４５６７８９０", "＋６２ ８１２ ３４５６ ７８９０", "０８１２－３４５６－７８９０", "٠٨١٢٣٤٥٦٧٨٩٠", "0812\u00a03456\u00a07890", "0812\u20113456\u20117890",
		"0812%203456%207890", "%2B6281234567890", "0812/34567890", "812.3456.7890",
	}
}

func record() *call.Record {
	talk := 12
	return &call.Record{
		ID: "dialer:9513923001-7", Source: "dialer", Account: "9513923001", From: call.Party{Raw: "0812.3456.7890", Number: "+6281234567890"},
		To:        call.Party{Raw: "agent7@pbx.example.com:5060", SIP: "agent7@pbx.example.com"},
		Customer:  &call.Party{Raw: "0812.3456.7890", Number: "+6281234567890"},
		Agent:     call.Agent{ID: "1234567890", Name: "Siti 081234567890", Extension: "90240005"},
		StartedAt: call.At(time.Unix(1764520598, 0)), TalkSeconds: &talk, Task: call.Task{ID: "20210222110030"}, References: call.References{OrderID: "88001234567"}, Cost: "1234567.89",
		Warnings: []string{"0812.3456.7890 is read as a number of ID", "the call ended 1764520598 before it began"},
	}
}

func TestMaskerKnowsTheNumbersOfItsCall(t *testing.T) {
	m := record().Masker()
	for _, spelled := range spellings() {
		for _, frame := range []string{"%s", "phone %s is taken", "rec_%s.mp3", "1764520598-%s", "x=%s&y=1", `<b>%s</b>`} {
			got := m.Text(fmt.Sprintf(frame, spelled))
			if digits := plainDigits(got); strings.Contains(digits, "345678") {
				t.Errorf("%q: the number %s is shown: %q", frame, spelled, got)
			}
		}
	}
	for text, want := range map[string]string{
		"agent7@pbx.example.com:5060 did not answer": "age**********************60 did not answer",
		"call 0812.3456.7890 at 1764520598":          "call 081*********90 at 1764520598",
		"+62 813 5111 1451 is another one":           "+62************51 is another one",
		"ticket 88001234567 of account 9513923001":   "ticket 88001234567 of account 9513923001",
		"0812 3456 7890 2026-11-21 00:24:06":         "081*********90 2026-11-21 00:24:06",
	} {
		if got := m.Text(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

func TestMaskersLeaveOtherDigits(t *testing.T) {
	known := record().Masker()
	for _, text := range others() {
		for name, m := range map[string]call.Masker{"known": known, "unknown": {}} {
			for _, frame := range []string{"%s", "(%s)", "it is %s, and more"} {
				if text := fmt.Sprintf(frame, text); m.Text(text) != text {
					t.Errorf("the call is %s: %q is shown as %q", name, text, m.Text(text))
				}
			}
		}
	}
}

// TestMaskedBody: the name of a member says what it is.
func TestMaskedBody(t *testing.T) {
	for _, c := range []struct{ name, body, known, unknown string }{
		{
			"numbers by name", `{"did": "85235757584", "show_phone":"6298881888", "callerId": 6298881888, "to": ["8523 575-7583"], "phone": "4444"}`,
			`{"did": "852******84", "show_phone":"629*****88", "callerId": "629*****88", "to": ["852********83"], "phone": "4444"}`, "",
		},
		{
			"others by name", `{"companycode": "6298881888", "callId": "852357575841", "account": 85235757584, "orderNumber": "85235757584", "startedAt": 85235757584, "fee": "85235757"}`,
			`{"companycode": "6298881888", "callId": "852357575841", "account": 85235757584, "orderNumber": "85235757584", "startedAt": 85235757584, "fee": "85235757"}`, "",
		},
		{"a name that says nothing", `{"x": "85235757584", "y": "0812 3456-7890"}`, `{"x": "85235757584", "y": "081*********90"}`, `{"x": "852******84", "y": "081*********90"}`},
		{"the layout", "{\n  \"a\" : \"\\u00e4\\n1\" ,\"b\":-1.50e3, \"c\":[ true,null ]\n}", "{\n  \"a\" : \"\\u00e4\\n1\" ,\"b\":-1.50e3, \"c\":[ true,null ]\n}", ""},
		{"an address", `{"callee":"agent7@pbx.example.com:5060","agentName":"siti@example.com"}`, `{"callee":"age**********************60","agentName":"siti@example.com"}`, ""},
		{"JSON in a member", `{"detail":"{\"caller\":\"85235757584\"}"}`, `{"detail":"{\"caller\":\"852******84\"}"}`, ""},
		{"a form", "phone=%2B62+812-3456-7890&start=2026-11-21+00%3A24&callid=85235757584", "phone=%2B62************90&start=2026-11-21+00%3A24&callid=85235757584", ""},
		{"a form with JSON", "detail=%7B%22caller%22%3A%2285235757584%22%7D&id=7", "detail=%7B%22caller%22%3A%22852******84%22%7D&id=7", ""},
		{"a damaged text", `{"caller": "85235757584", "x": "0812 3456 7890`, `{"caller": "852******84", "x": "081*********90`, ""},
		{"no JSON", `<phone>+6285235757584</phone>`, `<phone>+62*********84</phone>`, ""},
		{"nothing", "", "", ""},
	} {
		if c.unknown == "" {
			c.unknown = c.known
		}
		if got := record().Masker().Body(c.body); got != c.known {
			t.Errorf("%s: of a known call\n%s, want\n%s", c.name, got, c.known)
		}
		if got := (call.Masker{}).Body(c.body); got != c.unknown {
			t.Errorf("%s: of an unknown call\n%s, want\n%s", c.name, got, c.unknown)
		}
	}
}

func TestMaskedRecord(t *testing.T) {
	r := record()
	r.Raw = json.RawMessage(`{"caller":"0812.3456.7890","companycode":"9513923001","starttime":"1764520598","fee":1234567.89,"note":"call 6281234567890"}`)
	before := string(r.JSON())
	got := r.Masker().Record(r)
	if string(r.JSON()) != before {
		t.Error("the record itself was changed")
	}
	want := *r
	want.From, want.Customer = call.Party{Raw: "081*********90", Number: "+62*********90"}, &call.Party{Raw: "081*********90", Number: "+62*********90"}
	want.To = call.Party{Raw: "age**********************60", SIP: "age*****************om"}
	want.Agent.Name = "Siti 081*******90"
	want.Warnings = []string{"081*********90 is read as a number of ID", "the call ended 1764520598 before it began"}
	want.Raw = json.RawMessage(`{"caller":"081*********90","companycode":"9513923001","starttime":"1764520598","fee":1234567.89,"note":"call 628********90"}`)
	if d := cmp.Diff(&want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if m := (*call.Record)(nil).Masker(); m.Text("81234567890") != "812******90" {
		t.Error("of a damaged record everything goes that may be a number")
	}
}

// TestMaskedGoldens: no callback of a vendor shows its numbers, and each keeps its
// times and its identity.
func TestMaskedGoldens(t *testing.T) {
	files, err := filepath.Glob("../../adapter/*/testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no goldens: %v", err)
	}
	seen := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range txtar.Parse(text).Files {
			r := new(call.Record)
			if f.Name != "record" || json.Unmarshal(f.Data, r) != nil {
				continue
			}
			seen++
			masked := string(r.Masker().Record(r).JSON())
			for _, p := range []call.Party{r.From, r.To} {
				if n := strings.TrimPrefix(p.Number, "+"); n != "" && strings.Contains(plainDigits(masked), n[3:]) {
					t.Errorf("%s: %s is shown: %s", file, p.Number, masked)
				}
			}
			for _, kept := range []string{r.ID, r.Account, r.Task.ID, r.References.OrderID, r.Cost} {
				if kept != "" && !strings.Contains(masked, kept) {
					t.Errorf("%s: %s is not shown: %s", file, kept, masked)
				}
			}
			if !json.Valid([]byte(masked)) {
				t.Errorf("%s: no JSON: %s", file, masked)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d records were seen", seen)
	}
}

func FuzzMasker(f *testing.F) {
	for _, s := range append(spellings(), others()...) {
		f.Add(s, "081234567890")
	}
	f.Fuzz(func(t *testing.T, text, number string) {
		r := &call.Record{From: call.Party{Raw: number}}
		m := r.Masker()
		_ = m.Body(text)
		if got := m.Text(text); strings.Count(got, "\n") != strings.Count(text, "\n") && !strings.Contains(number, "\n") {
			t.Errorf("%q became %q", text, got)
		}
		if digits := plainDigits(number); len(digits) >= 7 && !strings.HasPrefix(digits, "0") && digits == number {
			if got := m.Text("x " + number + " y"); strings.Contains(got, number) {
				t.Errorf("%s is shown in %q", number, got)
			}
		}
		if object, err := json.Marshal(map[string]string{"phone": text, "x": text}); err == nil && !json.Valid([]byte(m.Body(string(object)))) {
			t.Errorf("%s became %s", object, m.Body(string(object)))
		}
	})
}

// plainDigits are the digits of a text in ASCII, one after the other.
func plainDigits(text string) string {
	return strings.Map(func(r rune) rune {
		for _, zero := range []rune{'0', '０', '٠'} {
			if r >= zero && r <= zero+9 {
				return '0' + r - zero
			}
		}
		return -1
	}, text)
}
