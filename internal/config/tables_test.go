package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/route"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

const withTables = minimal + `  - name: gold
    when: table("tiers", call.account) == "gold"
    to: [crm]
tables:
  owners: {file: owners.csv}
  tiers: {file: tiers.yaml}
`

// tables writes the files of withTables into the working folder.
func tables(t *testing.T, owners, tiers string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, content := range map[string]string{"owners.csv": owners, "tiers.yaml": tiers} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTables(t *testing.T) {
	tables(t, "7,owner-7\n", "acme: gold\n")
	text := strings.Replace(withTables, `{url: "http://127.0.0.1:9/x"}`, `{url: "http://127.0.0.1:9/x", body: {owner: "${table('owners', call.agent.id)}"}}`, 1)
	l, err := config.Parse("c.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	record := &call.Record{ID: "dialer:1", Account: "acme", Agent: call.Agent{ID: "7"}}
	if d := route.New(l.Rules, l.Rows.Lookup).Match(record); !d.Rules[1].Matched {
		t.Errorf("the rule of gold accounts: %+v", d.Rules[1])
	}
	sink, err := l.Sinks[0].Build(contract.Deps{Lookup: l.Rows.Lookup})
	if err != nil {
		t.Fatal(err)
	}
	request, err := first(sink, "msg_1", record)
	if err != nil || string(request.Body) != `{"owner":"owner-7"}` {
		t.Errorf("body %s, %v", request.Body, err)
	}
	if err := os.WriteFile("owners.csv", []byte("7,other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if changed, err := config.Parse("c.yaml", []byte(text)); err != nil || changed.Hash == l.Hash || changed.SinkMarks["crm"] != l.SinkMarks["crm"] {
		t.Errorf("a changed table: %v, the same hash %v, the sink is replaced %v", err, changed.Hash == l.Hash, changed.SinkMarks["crm"] != l.SinkMarks["crm"])
	}
}

func TestTableProblems(t *testing.T) {
	for name, c := range map[string]struct{ owners, tiers, text, want string }{
		"rows":              {"a\nb,1\nb,2\n", "x: 1\n", withTables, "c.yaml:15: tables.owners.file: owners.csv: line 1: there are 1 columns"},
		"all rows":          {"a\nb,1\nb,2\n", "x: 1\n", withTables, "owners.csv: line 3: the key \"b\" is already there on line 2"},
		"no such file":      {"", "", strings.Replace(withTables, "owners.csv", "nobody.csv", 1), "c.yaml:15: tables.owners.file: nobody.csv: no such file"},
		"a folder":          {"", "", strings.Replace(withTables, "owners.csv", "/", 1), "is not a file"},
		"too large":         {strings.Repeat("a,1\n", 1<<20+1), "", withTables, "is too large: a table has at most 4 MiB"},
		"no file":           {"", "", strings.Replace(withTables, "{file: owners.csv}", "{}", 1), "file"},
		"a name":            {"", "", strings.Replace(withTables, "owners:", "Owners:", 1), "is not a name: write 1 to 63"},
		"an unknown table":  {"", "", strings.Replace(withTables, `"tiers"`, `"tirs"`, 1), "c.yaml:12: rules[1].when: there is no table \"tirs\": did you mean \"tiers\"?"},
		"in a template":     {"", "", strings.Replace(withTables, "127.0.0.1:9/x", "127.0.0.1:9/x-${table('nix', call.id)}", 1), "there is no table \"nix\""},
		"an unknown key":    {"", "", strings.Replace(withTables, "file: tiers", "path: tiers", 1), "unknown key"},
		"tables for nobody": {"", "", strings.Replace(withTables, "tables:\n  owners: {file: owners.csv}\n  tiers: {file: tiers.yaml}\n", "", 1), "add it under `tables`"},
	} {
		t.Run(name, func(t *testing.T) {
			tables(t, c.owners, c.tiers)
			if _, err := config.Parse("c.yaml", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}
