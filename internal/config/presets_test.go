package config_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/presets"
)

// withSink is a configuration with one sink called crm, whose other keys are given.
func withSink(keys string) string {
	return "sources: [{name: dialer, format: nxcc, auth: {header: {name: token, value: s3cret-value-of-the-door}}}]\n" +
		"tables: {owners: {file: owners.csv}}\n" +
		"sinks:\n  - name: crm\n    " + strings.ReplaceAll(strings.TrimSpace(keys), "\n", "\n    ") + "\n" +
		"rules: [{name: all, to: [crm]}]\n"
}

// loadSink loads a configuration of one sink, with its environment set.
func loadSink(t *testing.T, keys string) (*config.Loaded, error) {
	t.Helper()
	for _, m := range fromEnvironment.FindAllStringSubmatch(keys, -1) {
		value := "value-of-" + m[1]
		if strings.HasSuffix(m[1], "_URL") {
			value = "https://chat.example.com/" + value
		}
		t.Setenv(m[1], value)
	}
	return config.Parse("c.yaml", []byte(withSink(keys)))
}

// example is the use of a preset with the examples of all that is required.
func example(t *testing.T, p presets.Preset) string {
	t.Helper()
	with := map[string]*yaml.Node{}
	for i, one := range p.Parameters {
		if one.Required {
			with[one.Name] = &p.Parameters[i].Example
		}
	}
	text, err := yaml.Marshal(map[string]any{"preset": p.Name, "with": with})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestPresetsLoad: each, with what is required alone, and as `cdrelay presets show`
// prints it.
func TestPresetsLoad(t *testing.T) {
	inFolderOfFiles(t)
	all, err := presets.All()
	if err != nil || len(all) == 0 {
		t.Fatalf("there are no presets: %v", err)
	}
	for _, p := range all {
		shown, err := p.Show()
		if err != nil {
			t.Fatal(err)
		}
		for name, keys := range map[string]string{"used": example(t, p), "shown": shown} {
			t.Run(p.Name+" "+name, func(t *testing.T) {
				l, err := loadSink(t, keys)
				if err != nil {
					t.Fatalf("%v\n%s", err, keys)
				}
				for _, w := range l.Warnings {
					t.Errorf("warning: %s", w.In("c.yaml"))
				}
				if l.Sinks[0].Kind() != "webhook" {
					t.Errorf("it is a %q", l.Sinks[0].Kind())
				}
			})
		}
	}
}

// TestKeysBesideAPreset: what is written wins over what the preset says.
func TestKeysBesideAPreset(t *testing.T) {
	inFolderOfFiles(t)
	l, err := loadSink(t, "preset: hubspot\nwith: {token: t}\nrate: {per_second: 2}\ntimeout: 20s")
	if err != nil {
		t.Fatal(err)
	}
	if s := l.Sinks[0]; s.Lane.Rate.PerSecond != 2 || s.Timeout.String() != "20s" || s.Preset != "hubspot" {
		t.Errorf("%+v %s", s.Lane.Rate, s.Timeout)
	}
	if l, err = loadSink(t, "preset: hubspot\nwith: {token: t}"); err != nil || l.Sinks[0].Lane.Rate == nil {
		t.Errorf("the preset's own rate is lost: %v", err)
	}
}

// TestParametersOfASection: values and expressions are put in place with their types,
// and a secret as a whole value only.
func TestParametersOfASection(t *testing.T) {
	inFolderOfFiles(t)
	l, err := loadSink(t, `
webhook:
  with:
    key: {env: SECTION_KEY}
    text: 'it''s "$} {'
    empty: ""
    count: -3
    share: 0.5
    flag: true
    names: [a, "b}"]
    owners: {amy: "1", ben: 2}
    table: owners
  let:
    number: nationalNumber(call.customer.number)
    both: let.number + with.names[1]
  url: https://crm.example.com/${with.names[0]}/x
  headers: {X-Key: {with: key}, X-Empty: {with: empty}}
  body:
    let: kept
    with: {names: {with: names}, gone: {with: empty}}
    text: "${with.text} $${with.text}"
    sum: "${with.count + 1 < 0 && with.flag}"
    share: "${with.share * 2.0}"
    owner: "${with.owners[call.agent.id]}"
    row: "${table(with.table, 'amy@example.com')}"
    both: "${let.both}"
    dropped: {when: "!with.flag", a: 1}
    list: [{with: count}, {with: empty}, x]
  success: response.status == 200 && with.flag
`[1:])
	if err != nil {
		t.Fatal(err)
	}
	sink, err := l.Sinks[0].Build(contract.Deps{Lookup: l.Rows.Lookup})
	if err != nil {
		t.Fatal(err)
	}
	record := bare(call.Answered, call.Inbound)
	record.Customer, record.Agent = &call.Party{Number: "+6281234567890"}, call.Agent{ID: "ben"}
	q, err := first(sink, "msg_1", record)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"let":"kept","with":{"names":["a","b}"]},"text":"it's \"$} { ${with.text}","sum":true,"share":1,` +
		`"owner":2,"row":"1001","both":"81234567890b}","list":[-3,"x"]}`
	if got := string(q.Body); got != want {
		t.Errorf("the body is\n%s\nnot\n%s", got, want)
	}
	if q.URL != "https://crm.example.com/a/x" || !q.FixedURL || q.Header.Get("X-Key") != "value-of-SECTION_KEY" || q.Header.Values("X-Empty") != nil {
		t.Errorf("%s (fixed: %v) %v", q.URL, q.FixedURL, q.Header)
	}
}

// TestSecretsInExpressions: an expression may read a secret, which is in no text of
// the configuration; what comes of it is masked where a request is shown.
func TestSecretsInExpressions(t *testing.T) {
	inFolderOfFiles(t)
	const key = "value-of-SECTION_KEY"
	l, err := loadSink(t, `
webhook:
  with: {key: {env: SECTION_KEY}}
  url: https://crm.example.com/x?at=${epochSeconds(now)}
  query: {sign: "${hex(hmacSha256(with.key, call.id))}"}
  body: {text: "a ${with.key + '!'} b", kept: "${call.id}"}
`[1:])
	if err != nil {
		t.Fatal(err)
	}
	if printed := fmt.Sprintf("%+v %#v", l.Sinks[0], l.Sinks[0]); strings.Contains(printed, key) {
		t.Errorf("the secret is printed: %s", printed)
	}
	sink, err := l.Sinks[0].Build(contract.Deps{Lookup: l.Rows.Lookup})
	if err != nil {
		t.Fatal(err)
	}
	turn, err := sink.Series("msg_1", bare(call.Answered, call.Inbound), nil).Next()
	if err != nil {
		t.Fatal(err)
	}
	wrong, err := loadSink(t, "webhook: {with: {key: {env: SECTION_KEY}}, url: \"https://crm.example.com/${int(with.key)}\"}")
	if err != nil {
		t.Fatal(err)
	}
	failing, err := wrong.Sinks[0].Build(contract.Deps{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := failing.Series("msg_1", bare(call.Answered, call.Inbound), nil).Next(); err == nil || strings.Contains(err.Error(), key) {
		t.Errorf("an error of a template says %v", err)
	}
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("dialer:9513923-1"))
	sum := hex.EncodeToString(mac.Sum(nil))
	if q := turn.Request; !strings.Contains(q.URL, "sign="+sum) || !strings.Contains(string(q.Body), "a "+key+"! b") {
		t.Errorf("the request is %s %s", q.URL, q.Body)
	}
	wire, err := sink.Transport().Preview(t.Context(), turn.Request)
	if err != nil {
		t.Fatal(err)
	}
	shown := sink.Transport().Shown(wire)
	if text := shown.URL + string(shown.Body); strings.Contains(text, sum) || strings.Contains(text, key) || !strings.Contains(text, "dialer:9513923-1") {
		t.Errorf("it is shown as %s", text)
	}
}

// TestPresetsOfAnchors: a section that is written once and used twice is two sinks.
func TestPresetsOfAnchors(t *testing.T) {
	l, err := config.Parse("c.yaml", []byte(`
sources: [{name: dialer, format: nxcc, auth: {open: true}}]
sinks:
  - name: one
    preset: hubspot
    with: &parameters {token: t, id_property: other}
  - name: two
    preset: hubspot
    with: *parameters
rules: [{name: all, to: [one, two]}]
`))
	if err != nil {
		t.Fatal(err)
	}
	if names := slices.Sorted(maps.Keys(l.SinkMarks)); fmt.Sprint(names) != "[one two]" {
		t.Errorf("sinks %v", names)
	}
}
