package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/presets"
)

// chatsFolder holds one file for each preset of a chat: what the chat takes, written
// from the vendor's documents, and what it answers. A chat needs no code here.
var chatsFolder, _ = filepath.Abs("testdata/chats")

// chat is such a file.
type chat struct {
	name string
	// With are the parameters of all cases, and Variants those of single ones beside
	// them.
	With     map[string]any            `yaml:"with"`
	Variants map[string]map[string]any `yaml:"variants"`
	// Accepted are the answers to requests that are right: the first whose method fits.
	Accepted []chatAnswer `yaml:"accepted"`
	// Answers are what the preset has to make of others, to the first request.
	Answers []chatAnswer `yaml:"answers"`
	// Edits are answers to the requests of a later revision.
	Edits []chatAnswer `yaml:"edits"`
	// URL is a pattern of the addresses, Schema the JSON Schema of the bodies.
	URL    string `yaml:"url"`
	Schema any    `yaml:"schema"`
	// MaxBytes bounds the body, as it is sent.
	MaxBytes int `yaml:"max_bytes"`
	// Sums bound texts together, in bytes or in characters.
	Sums []chatSum `yaml:"sums"`
	// Neutral must not be found in any text of the message: the markup and mentions of
	// the chat. Texts below the keys of Plain are no markup.
	Neutral []string `yaml:"neutral"`
	Plain   []string `yaml:"plain"`
	// Vector is a known signature.
	Vector *struct {
		With   map[string]any `yaml:"with"`
		At     string         `yaml:"at"`
		Signed string         `yaml:"signed"`
	} `yaml:"vector"`

	schema *jsonschema.Schema
}

type chatAnswer struct {
	Method  string            `yaml:"method"`
	Status  int               `yaml:"status"`
	Headers map[string]string `yaml:"headers"`
	Body    string            `yaml:"body"`
	Is      string            `yaml:"is"`
}

// chatSum bounds the texts below some keys, or all, together, in a unit: bytes,
// characters, or UTF-16 units.
type chatSum struct {
	Keys []string `yaml:"keys"`
	Max  int      `yaml:"max"`
	In   string   `yaml:"in"`
}

func chats(t *testing.T) []chat {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(chatsFolder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no chats: %v", err)
	}
	var all []chat
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		c := chat{name: strings.TrimSuffix(filepath.Base(file), ".yaml")}
		dec := yaml.NewDecoder(bytes.NewReader(text))
		dec.KnownFields(true)
		if err := dec.Decode(&c); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		c.schema = compiled(t, file, c.Schema)
		all = append(all, c)
	}
	return all
}

func compiled(t *testing.T, file string, schema any) *jsonschema.Schema {
	t.Helper()
	text, err := json.Marshal(schema)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	plain, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("chat.json", plain); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	s, err := c.Compile("chat.json")
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return s
}

// sink is the preset with the parameters of all cases, and those of one.
func (c chat) sink(t *testing.T, more map[string]any) contract.Sink {
	t.Helper()
	inFolder(t, "1")
	with := map[string]any{}
	for _, from := range []map[string]any{c.With, more} {
		for name, value := range from {
			with[name] = value
		}
	}
	text, err := json.Marshal(with)
	if err != nil {
		t.Fatal(err)
	}
	return sinkOf(t, c.name, string(text), "")
}

// room is the chat: it answers what it takes as it would, and tells what it does not.
type room struct {
	chat
	t *testing.T
}

func (r room) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		r.t.Error(err)
	}
	for _, problem := range r.problems(q.URL.String(), body) {
		r.t.Errorf("%s: %s:\n%.3000s", r.name, problem, body)
	}
	i := slices.IndexFunc(r.Accepted, func(a chatAnswer) bool { return a.Method == "" || a.Method == q.Method })
	if i < 0 {
		r.t.Fatalf("%s knows no answer to %s", r.name, q.Method)
	}
	r.Accepted[i].write(w)
}

func (a chatAnswer) write(w http.ResponseWriter) {
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.Status)
	_, _ = io.WriteString(w, a.Body)
}

// problems is what the chat would not take, or would take for more than text.
func (c chat) problems(address string, body []byte) (all []string) {
	if !regexp.MustCompile(c.URL).MatchString(address) {
		all = append(all, "the address is "+address)
	}
	if c.MaxBytes > 0 && len(body) > c.MaxBytes {
		all = append(all, fmt.Sprintf("%d bytes", len(body)))
	}
	message, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = c.schema.Validate(message)
	}
	if err != nil {
		all = append(all, err.Error())
	}
	for _, s := range c.Sums {
		n := 0
		each(message, "", func(key, text string) {
			if len(s.Keys) > 0 && !slices.Contains(s.Keys, key) {
				return
			}
			switch s.In {
			case "bytes":
				n += len(text)
			case "UTF-16 units":
				n += len(utf16.Encode([]rune(text)))
			default:
				n += utf8.RuneCountInString(text)
			}
		})
		if n > s.Max {
			all = append(all, fmt.Sprintf("%v are %d %s, more than %d", s.Keys, n, s.In, s.Max))
		}
	}
	return append(all, c.markup(message)...)
}

// turned are characters that break lines or turn the direction of reading.
var turned = regexp.MustCompile(`[\x00-\x08\x0b-\x1f\x7f\x{85}\x{200e}\x{200f}\x{2028}-\x{202e}\x{2066}-\x{2069}]`)

func (c chat) markup(message any) (all []string) {
	each(message, "", func(key, text string) {
		if turned.MatchString(text) {
			all = append(all, fmt.Sprintf("%s has control characters: %q", key, text))
		}
		if slices.Contains(c.Plain, key) || strings.HasPrefix(text, recordings) && call.WebURL(text) == text {
			return
		}
		for _, pattern := range c.Neutral {
			if found := regexp.MustCompile(pattern).FindString(text); found != "" {
				all = append(all, fmt.Sprintf("%s has %q, which is more than text: %q", key, found, text))
			}
		}
	})
	return all
}

// each visits the texts of a tree with the nearest keys above them.
func each(tree any, key string, visit func(key, text string)) {
	switch t := tree.(type) {
	case string:
		visit(key, t)
	case []any:
		for _, item := range t {
			each(item, key, visit)
		}
	case map[string]any:
		for k, item := range t {
			each(item, k, visit)
		}
	}
}

// recordings is what the addresses of recordings begin with: they may be links.
const recordings = "https://rec.example.com/"

// chatNames are texts that try to be mentions, links, markup, other lines and long.
func chatNames() []string {
	return []string{
		`@all <!channel> <at user_id="all"></at> <users/all> [x](http://a.example) *b*`,
		"@everyone @here @channel <@U1> <@&1> <#1> </x:1> <:a:1> <t:0:R> <at id=all></at> <@all>",
		"**b** __u__ _i_ ~~s~~ ||p|| `c` ```\ncode\n``` # h\n- l\n1. n\n> q \\* :tada: $$x$$ &amp; &#60; &lt;b&gt;",
		"<b>x</b> <a href=\"http://a.example\">x</a> <font color=\"info\">x</font> ![i](http://a.example/i.png)",
		"https://a.example/_x_?y=*",
		"\u202egnp.exe\u2066\u200f\x00\x1b[31m\u2028a\r\nb",
		strings.Repeat("*@all <!here> [é](x) 转", 4096/24+1),
	}
}

// named is an answered call whose texts are all one text.
func named(text string) *call.Record {
	party := call.Party{Raw: text, SIP: text, Extension: text}
	r := answered("+6281234567890")
	r.From, r.To, r.Customer = party, party, &party
	r.Agent = call.Agent{ID: text, Name: text, Extension: text, Email: text}
	r.Hangup.Reason, r.KeysPressed, r.References.OrderID = text, text, text
	r.Task = call.Task{ID: text, Round: text, Intent: text}
	r.Recording.URL, r.VoicemailURL = recordings+text, recordings+"a b|c>d\"e'f)g?x=1&y=*"
	return r
}

// chatCalls are the calls whose messages are goldens, each with its revisions.
func chatCalls() map[string][][]*call.Record {
	recorded := answered(known)
	recorded.Revision, recorded.Recording.URL = 2, recordings + "a.mp3?x=1&y=2"
	var hostile [][]*call.Record
	for _, text := range chatNames() {
		hostile = append(hostile, []*call.Record{named(text)})
	}
	return map[string][][]*call.Record{
		"missed-inbound":    {{missed(known)}},
		"answered-outbound": {{answered(known)}},
		"second-revision":   {{answered(known), recorded}},
		"hostile-names":     hostile,
		"no-number":         {{missed("")}},
	}
}

// sends returns the requests of calls, which the chat takes.
func (c chat) sends(t *testing.T, with map[string]any, calls [][]*call.Record) string {
	t.Helper()
	sink := c.sink(t, with)
	var out strings.Builder
	for _, revisions := range calls {
		out.WriteString(perform(t, sink, room{c, t}, revisions))
	}
	return out.String()
}

// TestChatRequests compares what each preset of a chat sends with the golden files.
func TestChatRequests(t *testing.T) {
	for _, c := range chats(t) {
		for name, calls := range chatCalls() {
			t.Run(c.name+" "+name, func(t *testing.T) {
				compare(t, goldenOf(c.name, name), c.sends(t, nil, calls))
			})
		}
		for name, with := range c.Variants {
			t.Run(c.name+" "+name, func(t *testing.T) {
				compare(t, goldenOf(c.name, name), c.sends(t, with, chatCalls()["second-revision"]))
			})
		}
	}
}

// TestChatsTakeEveryCall: whatever the outcome and the direction, and whatever the
// texts are, each message is one that the chat takes, and no value is markup.
func TestChatsTakeEveryCall(t *testing.T) {
	for _, c := range chats(t) {
		sink := c.sink(t, nil)
		for i, outcome := range call.Outcomes() {
			for j, direction := range []call.Direction{call.Inbound, call.Outbound, call.Internal, call.UnknownDirection} {
				one := bare(outcome, direction)
				one.ID = fmt.Sprintf("dialer:%d-%d", i, j)
				again := *one
				again.Revision = 2
				perform(t, sink, room{c, t}, []*call.Record{one, &again})
			}
		}
		for _, text := range chatNames() {
			for _, alone := range []string{text, strings.Repeat(text, 4096/len(text)+1)} {
				perform(t, sink, room{c, t}, []*call.Record{named(alone)})
			}
		}
	}
}

// TestChatsReadAnswers holds what each preset makes of its chat's answers.
func TestChatsReadAnswers(t *testing.T) {
	for _, c := range chats(t) {
		sink, record := c.sink(t, nil), missed(known)
		c.reads(t, c.Answers, func() outbound.Series { return sink.Series("msg_1", record, nil) })
		if len(c.Edits) == 0 {
			continue
		}
		_, remembered := performed(t, sink, room{c, t}, []*call.Record{record})
		later := *record
		later.Revision = 2
		c.reads(t, c.Edits, func() outbound.Series { return sink.Series("msg_1", &later, remembered) })
	}
}

// reads gives each answer to the first request of a series.
func (c chat) reads(t *testing.T, answers []chatAnswer, begin func() outbound.Series) {
	t.Helper()
	for _, a := range answers {
		turn, err := begin().Next()
		if err != nil || turn.Request == nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		w := httptest.NewRecorder()
		a.write(w)
		got := turn.Request.Read(outbound.Answer{Status: a.Status, Header: w.Header(), Body: []byte(a.Body), FixedURL: turn.Request.FixedURL})
		if is := got.Meaning.String(); is != a.Is {
			t.Errorf("%s: %s %d %s is %s, want %s", c.name, turn.Request.Method, a.Status, a.Body, is, a.Is)
		}
	}
}

// TestChatsSign holds the signatures of chats against known ones.
func TestChatsSign(t *testing.T) {
	for _, c := range chats(t) {
		if c.Vector == nil {
			continue
		}
		record := missed(known)
		record.ReceivedAt = at(c.Vector.At)
		if said := perform(t, c.sink(t, c.Vector.With), room{c, t}, []*call.Record{record}); !strings.Contains(said, c.Vector.Signed) {
			t.Errorf("%s: %s is not in\n%s", c.name, c.Vector.Signed, said)
		}
	}
}

// TestEveryPresetIsHeld: no preset is without goldens.
func TestEveryPresetIsHeld(t *testing.T) {
	for _, name := range presets.Names() {
		if files, err := filepath.Glob(filepath.Join(presetsFolder, name, "*.golden")); err != nil || len(files) == 0 {
			t.Errorf("the preset %s has no golden requests: %v", name, err)
		}
	}
}
