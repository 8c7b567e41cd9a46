package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/config"
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
	// Then is the step that follows.
	Then string `yaml:"then"`
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
		maps.Copy(with, from)
	}
	text, err := json.Marshal(with)
	if err != nil {
		t.Fatal(err)
	}
	return sinkOf(t, c.name, string(text), "")
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
	recorded.Revision, recorded.Recording.URL = 2, recordings+"a.mp3?x=1&y=2"
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

// TestChatsTakeEveryCall: with every outcome and direction, and with all of the
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

// reads answers the first request of a series with each answer.
func (c chat) reads(t *testing.T, answers []chatAnswer, begin func() outbound.Series) {
	t.Helper()
	for _, a := range answers {
		series := begin()
		turn, err := series.Next()
		if err != nil || turn.Request == nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		w := httptest.NewRecorder()
		a.write(w)
		got := turn.Request.Read(outbound.Answer{Status: a.Status, Header: w.Header(), Body: []byte(a.Body), FixedURL: turn.Request.FixedURL})
		if is := got.Meaning.String(); is != a.Is {
			t.Errorf("%s: %s %d %s is %s, want %s", c.name, turn.Request.Method, a.Status, a.Body, is, a.Is)
		}
		if got.Meaning != outbound.Delivered {
			continue
		}
		series.Advance()
		then := ""
		if turn, err = series.Next(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if turn.Request != nil {
			then = turn.Request.Name
		}
		if then != a.Then {
			t.Errorf("%s: after %d %s comes %q, want %q", c.name, a.Status, a.Body, then, a.Then)
		}
	}
}

// TestChatsHideSecrets: no secret is in what is printed of a sink, nor in a request as
// people see it; no signature either.
func TestChatsHideSecrets(t *testing.T) {
	for _, c := range chats(t) {
		preset, _ := presets.Find(c.name)
		var keys, hidden []string
		for _, one := range preset.Parameters {
			name := strings.ToUpper(one.Name)
			switch value, given := c.With[one.Name].(string); {
			case !given:
			case one.Secret:
				t.Setenv(name, value)
				keys, hidden = append(keys, one.Name+": {env: "+name+"}"), append(hidden, value)
			default:
				keys = append(keys, one.Name+": "+strconv.Quote(value))
			}
		}
		inFolder(t, "1")
		text := "preset: " + c.name + "\nwith: {" + strings.Join(keys, ", ") + "}"
		l, err := config.Parse("c.yaml", []byte(withSink(text)))
		if err != nil {
			t.Fatal(err)
		}
		sink, err := l.Sinks[0].Build(contract.Deps{Lookup: l.Rows.Lookup})
		if err != nil {
			t.Fatal(err)
		}
		turn, err := sink.Series("msg_1", missed(known), nil).Next()
		if err != nil {
			t.Fatal(err)
		}
		wire, err := sink.Transport().Preview(t.Context(), turn.Request)
		if err != nil {
			t.Fatal(err)
		}
		shown := sink.Transport().Shown(wire)
		seen := fmt.Sprintf("%+v %#v %s %s", l.Sinks[0], l.Sinks[0], shown.URL, shown.Body)
		for _, one := range append(hidden, signatures.FindAllString(turn.Request.URL+string(turn.Request.Body), -1)...) {
			if strings.Contains(seen, one) {
				t.Errorf("%s shows %s:\n%s", c.name, one, seen)
			}
		}
	}
}

// signatures are HMACs in base64, as they stand in a URL and in a body.
var signatures = regexp.MustCompile(`[A-Za-z0-9+/%]{43,}(?:=|%3D)`)

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
