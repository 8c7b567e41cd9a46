package call_test

import (
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/call"
)

func TestNewID(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, key, want string }{
		{"plain", "9513923-263056202", "s:9513923-263056202"},
		{"every plain byte", "azAZ09_~-", "s:azAZ09_~-"},
		{"dot", "a.b", "s:a%2Eb"},
		{"path and separators", "a/b:c d?%", "s:a%2Fb%3Ac%20d%3F%25"},
		{"not ASCII", "é", "s:%C3%A9"},
		{"empty", "", "s:"},
		{"exactly 128 bytes", strings.Repeat("k", 128), "s:" + strings.Repeat("k", 128)},
		{
			"129 bytes", strings.Repeat("k", 129),
			"s:sha256-9094034fb2d0ce2e407c9b260f2806ab2efb352e200722fd6296d9cf1cf7e6f5",
		},
		{
			"too long only when encoded", strings.Repeat(".", 43),
			"s:sha256-ccdd8b01ec84d763e8e50f9ff245fc941c02200aa154de561fad6c58fa15e9f3",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := call.NewID("s", tt.key); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestHashContent(t *testing.T) {
	t.Parallel()
	base := hash(t, `{"a":1,"b":{"c":"é","d":[1,2]}}`)
	for name, same := range map[string]string{
		"white space": " {\n\"a\" : 1 , \"b\" : { \"c\" : \"é\", \"d\": [ 1, 2 ] } }\n",
		"key order":   `{"b":{"d":[1,2],"c":"é"},"a":1}`,
		"escapes":     `{"\u0061":1,"b":{"c":"\u00e9","d":[1,2]}}`,
	} {
		if hash(t, same) != base {
			t.Errorf("%s matters", name)
		}
	}
	for name, other := range map[string]string{
		"a number's spelling": `{"a":1.0,"b":{"c":"é","d":[1,2]}}`,
		"a number's type":     `{"a":"1","b":{"c":"é","d":[1,2]}}`,
		"the order of a list": `{"a":1,"b":{"c":"é","d":[2,1]}}`,
		"a null":              `{"a":1,"b":{"c":"é","d":[1,2]},"e":null}`,
		"case of a key":       `{"A":1,"b":{"c":"é","d":[1,2]}}`,
	} {
		if hash(t, other) == base {
			t.Errorf("%s does not matter", name)
		}
	}
	for name, pair := range map[string][2]string{
		"half a surrogate pair":          {`{"a":"\ud800"}`, `{"a":"\ud801"}`},
		"half a pair and what shows it":  {`{"a":"\ud800"}`, `{"a":"\ufffd"}`},
		"half a pair in a name":          {`{"\ud800":1}`, `{"\ufffd":1}`},
		"the first of two equal names":   {`{"a":1,"a":2}`, `{"a":3,"a":2}`},
		"a name that stands there twice": {`{"a":2,"a":2}`, `{"a":2}`},
	} {
		if hash(t, pair[0]) == hash(t, pair[1]) {
			t.Errorf("%s does not matter", name)
		}
	}
	if hash(t, `{"id":9007199254740993}`) == hash(t, `{"id":9007199254740992}`) {
		t.Error("numbers beyond 2^53 are the same")
	}
}

func TestVolatileFieldsAreNoContent(t *testing.T) {
	t.Parallel()
	const first = `{"id":1,"pushCount":1,"push":{"at":7,"by":"a"},"legs":[{"seq":1,"n":2}]}`
	volatile := []string{"pushcount", "push.at", "legs.seq"}
	want := hash(t, first, volatile...)
	for name, other := range map[string]string{
		"its value":     `{"id":1,"pushCount":{"n":2},"push":{"at":7,"by":"a"},"legs":[{"seq":1,"n":2}]}`,
		"its absence":   `{"id":1,"push":{"by":"a"},"legs":[{"n":2}]}`,
		"its case":      `{"id":1,"PushCount":3,"push":{"At":7,"by":"a"},"legs":[{"Seq":1,"n":2}]}`,
		"its escape":    `{"id":1,"push\u0043ount":3,"push":{"at":7,"by":"a"},"legs":[{"seq":1,"n":2}]}`,
		"within a list": `{"id":1,"pushCount":1,"push":{"at":7,"by":"a"},"legs":[{"seq":9,"n":2}]}`,
	} {
		if hash(t, other, volatile...) != want {
			t.Errorf("%s matters", name)
		}
	}
	for name, other := range map[string]string{
		"a field beside":            `{"id":1,"pushCount":1,"push":{"at":7,"by":"b"},"legs":[{"seq":1,"n":2}]}`,
		"the same name elsewhere":   `{"id":1,"pushCount":1,"at":7,"push":{"at":7,"by":"a"},"legs":[{"seq":1,"n":2}]}`,
		"a field beside, in a list": `{"id":1,"pushCount":1,"push":{"at":7,"by":"a"},"legs":[{"seq":1,"n":3}]}`,
	} {
		if hash(t, other, volatile...) == want {
			t.Errorf("%s does not matter", name)
		}
	}
	if hash(t, `{"b":1,"a":2}`, "c") != hash(t, `{"b":1,"a":2}`) {
		t.Error("a volatile field that is not there matters")
	}
}

func TestHashContentErrors(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{", "{} {}", `{"a":}`, "{}x"} {
		if _, err := call.HashContent([]byte(body)); err == nil {
			t.Errorf("%q: no error", body)
		}
	}
}

// The ids of deliveries must be the same in every release: a replay after an
// upgrade carries the id of the first try.
func TestMessageIDIsPinned(t *testing.T) {
	t.Parallel()
	const want = "msg_fszq6h2dpdq4gmusfvnvepdz5zklglnefeujwppktuqbosam2z7a"
	got := call.MessageID("dialer:9513923-1", hash(t, `{"a":1}`), "crm")
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if strings.Contains(got, ".") {
		t.Error("a dot, which Standard Webhooks forbids")
	}
}

func TestMessageIDTellsApart(t *testing.T) {
	t.Parallel()
	h, other := hash(t, `{"a":1}`), hash(t, `{"a":2}`)
	ids := map[string]string{}
	for name, id := range map[string]string{
		"first":         call.MessageID("s:1", h, "crm"),
		"other call":    call.MessageID("s:2", h, "crm"),
		"other content": call.MessageID("s:1", other, "crm"),
		"other sink":    call.MessageID("s:1", h, "crm2"),
		"other cut":     call.MessageID("s:1c", h, "rm"),
	} {
		if twin, ok := ids[id]; ok {
			t.Errorf("%s and %s have the same id", name, twin)
		}
		ids[id] = name
	}
}

func hash(t *testing.T, body string, volatile ...string) call.ContentHash {
	t.Helper()
	h, err := call.HashContent([]byte(body), volatile...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
