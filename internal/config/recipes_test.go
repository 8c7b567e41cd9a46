package config_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/route"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

var update = flag.Bool("update", false, "write what the recipes render as the golden requests")

const (
	recipeFiles  = "../../docs/recipes/*.yaml"
	recipeGolden = "testdata/recipes"
)

// envName finds the variables that a recipe wants to be set.
var envName = regexp.MustCompile(`\{env: ([A-Z_]+)\}`)

// recipe is one sink of a loaded recipe: the first has the recipe's name, the
// others their own.
type recipe struct {
	name   string
	loaded *config.Loaded
	sink   contract.Sink
}

func recipes(t *testing.T) []recipe {
	t.Helper()
	files, err := filepath.Glob(recipeFiles)
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no recipes: %v", err)
	}
	var all []recipe
	for _, file := range files {
		all = append(all, loadRecipe(t, file)...)
	}
	return all
}

// loadRecipe loads a recipe as check would, with its environment set.
func loadRecipe(t *testing.T, file string) []recipe {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range envName.FindAllSubmatch(text, -1) {
		name := string(m[1])
		t.Setenv(name, "value-of-"+name)
	}
	l, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range l.Warnings {
		t.Errorf("warning: %s", w.In(file))
	}
	if len(l.Sources) != 1 || len(l.Sinks) == 0 || len(l.Rules) == 0 {
		t.Fatalf("%s: %d sources, %d sinks, %d rules", file, len(l.Sources), len(l.Sinks), len(l.Rules))
	}
	all := make([]recipe, len(l.Sinks))
	for i, s := range l.Sinks {
		sink, err := s.Build(contract.Deps{})
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[i] = recipe{name: s.Name, loaded: l, sink: sink}
	}
	if want := strings.TrimSuffix(filepath.Base(file), ".yaml"); all[0].name != want {
		t.Errorf("%s: the first sink is %s", file, all[0].name)
	}
	return all
}

// first returns the first request of a delivery.
func first(s contract.Sink, messageID string, r *call.Record) (*outbound.Request, error) {
	turn, err := s.Series(messageID, r, nil).Next()
	return turn.Request, err
}

// request gives what the recipe sends of a record; nil where no rule sends it.
func (r recipe) request(t *testing.T, record *call.Record) *outbound.Request {
	t.Helper()
	if !slices.Contains(route.New(r.loaded.Rules, nil).Match(record).Sinks, r.name) {
		return nil
	}
	q, err := first(r.sink, call.MessageID(record.ID, call.ContentHash{}, r.name), record)
	if err != nil {
		t.Fatalf("%s: %s: %v", r.name, record.ID, err)
	}
	return q
}

// TestRecipes compares the request of each recipe for each sample record with
// its golden file.
func TestRecipes(t *testing.T) {
	samples, err := filepath.Glob(filepath.Join(recipeGolden, "*.json"))
	if err != nil || len(samples) == 0 {
		t.Fatalf("there are no sample records: %v", err)
	}
	for _, r := range recipes(t) {
		for _, sample := range samples {
			name := r.name + "." + strings.TrimSuffix(filepath.Base(sample), ".json")
			t.Run(name, func(t *testing.T) {
				compare(t, filepath.Join(recipeGolden, name+".golden"), shown(r.request(t, readRecord(t, sample))))
			})
		}
	}
}

func readRecord(t *testing.T, file string) *call.Record {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var record call.Record
	if err := dec.Decode(&record); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return &record
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

// shown is a request as a golden file holds it.
func shown(q *outbound.Request) string {
	if q == nil {
		return "no rule sends this call\n"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\n", q.Method, q.URL)
	for _, name := range slices.Sorted(maps.Keys(q.Header)) {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(q.Header[name], ", "))
	}
	b.WriteByte('\n')
	if json.Indent(&b, q.Body, "", "  ") != nil {
		b.Write(q.Body)
	}
	return b.String() + "\n"
}

// TestRecipesRenderEveryCall renders all outcomes and directions, with nothing
// else known, and holds the values against the words that each CRM takes.
func TestRecipesRenderEveryCall(t *testing.T) {
	for _, r := range recipes(t) {
		for _, outcome := range call.Outcomes() {
			for _, direction := range []call.Direction{call.Inbound, call.Outbound, call.Internal, call.UnknownDirection} {
				q := r.request(t, bare(outcome, direction))
				if q == nil {
					continue
				}
				checkWords(t, r.name, fmt.Sprintf("%s %s", direction, outcome), q.Body)
			}
		}
	}
}

// bare is a call of which little is known.
func bare(o call.Outcome, d call.Direction) *call.Record {
	return &call.Record{
		Schema: call.SchemaID, ID: "dialer:9513923-1", Revision: 1, Source: "dialer", Format: "infin8linx",
		Direction: d, Method: call.UnknownMethod, Outcome: o, Answered: o == call.Answered,
		To:        call.Party{Raw: "085712345678"},
		StartedAt: at("2025-10-16T09:31:13Z"), EndedAt: at("2025-10-16T09:31:21Z"), ReceivedAt: at("2025-10-16T09:31:23Z"),
	}
}

func at(text string) call.Time {
	var v call.Time
	if err := v.UnmarshalJSON([]byte(`"` + text + `"`)); err != nil {
		panic(err) // a text of this file
	}
	return v
}

// words are the values that a field may have, after the CRMs' documents.
var words = map[string][]string{
	"CallType":  {"Inbound", "Outbound", "Internal"},
	"Call_Type": {"Inbound", "Outbound", "Missed"},
}

func checkWords(t *testing.T, name, which string, body []byte) {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Errorf("%s: %s: %v\n%s", name, which, err, body)
		return
	}
	walk(v, func(key string, value any) {
		allowed, limited := words[key]
		if text, isText := value.(string); limited && (!isText || !slices.Contains(allowed, text)) {
			t.Errorf("%s: %s: %s is %v", name, which, key, value)
		}
	})
}

// walk visits the members of all objects.
func walk(v any, visit func(key string, value any)) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			visit(key, value)
			walk(value, visit)
		}
	case []any:
		for _, value := range v {
			walk(value, visit)
		}
	}
}

// TestRecipesLaterRevision: only a CRM that can recognise the call gets it anew.
func TestRecipesLaterRevision(t *testing.T) {
	updates := map[string]bool{"salesforce": true, "zoho-updates": true}
	for _, r := range recipes(t) {
		record := bare(call.Answered, call.Outbound)
		record.Revision = 2
		if sent := r.request(t, record) != nil; sent != updates[r.name] {
			t.Errorf("%s: revision 2 is sent: %v", r.name, sent)
		}
	}
}

// TestRecipesReadAnswers holds what each recipe makes of its CRM's answers.
func TestRecipesReadAnswers(t *testing.T) {
	const (
		zohoDone  = `{"data":[{"code":"SUCCESS","details":{"id":"1"},"status":"success"}]}`
		zohoAgain = `{"data":[{"code":"DUPLICATE_DATA","details":{"api_name":"Cdrelay_Call_Id","id":"1"},"status":"error"}]}`
		zohoOther = `{"data":[{"code":"DUPLICATE_DATA","details":{"api_name":"Ticket","id":"1"},"status":"error"}]}`
		zohoWrong = `{"data":[{"code":"INVALID_DATA","details":{"api_name":"Call_Type"},"status":"error"}]}`
		zohoGone  = `{"data":[{"code":"INVALID_DATA","details":{"api_name":"Cdrelay_Call_Id"},"status":"error"}]}`
		rowLocked = `[{"message":"unable to obtain exclusive access to this record","errorCode":"UNABLE_TO_LOCK_ROW"}]`
		isThere   = `[{"message":"Unable to create/update fields: TaskSubtype.","errorCode":"INVALID_FIELD_FOR_INSERT_UPDATE"}]`
		overQuota = `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`
	)
	tests := map[string][]struct {
		status int
		body   string
		want   outbound.Meaning
	}{
		"salesforce": {
			{http.StatusCreated, "{}", outbound.Delivered},
			{http.StatusNoContent, "", outbound.Delivered},
			{http.StatusMultipleChoices, "[]", outbound.Rejected},
			{http.StatusForbidden, overQuota, outbound.Unwell},
			{http.StatusForbidden, "[]", outbound.Credentials},
			{http.StatusUnauthorized, "[]", outbound.Credentials},
			{http.StatusNotFound, "[]", outbound.Credentials},
			{http.StatusBadRequest, "[]", outbound.Rejected},
			{http.StatusBadRequest, rowLocked, outbound.Unwell},
			{http.StatusBadRequest, isThere, outbound.Delivered},
		},
		"zoho": {
			{http.StatusCreated, zohoDone, outbound.Delivered},
			{http.StatusAccepted, zohoAgain, outbound.Delivered},
			{http.StatusBadRequest, zohoAgain, outbound.Delivered},
			{http.StatusAccepted, zohoOther, outbound.Rejected},
			{http.StatusAccepted, zohoWrong, outbound.Rejected},
			{http.StatusOK, "no JSON", outbound.Rejected},
			{http.StatusUnauthorized, `{"code":"INVALID_TOKEN"}`, outbound.Credentials},
			{http.StatusBadGateway, "<html>", outbound.Unwell},
		},
		"zoho-updates": {
			{http.StatusOK, zohoDone, outbound.Delivered},
			{http.StatusOK, zohoWrong, outbound.Rejected},
			{http.StatusBadRequest, zohoGone, outbound.Unwell},
			{http.StatusNotFound, "", outbound.Unwell},
		},
	}
	for _, r := range recipes(t) {
		if len(tests[r.name]) == 0 {
			t.Errorf("%s: no answers are held", r.name)
		}
		record := bare(call.NoAnswer, call.Inbound)
		if r.name == "zoho-updates" {
			record.Revision = 2
		}
		q := r.request(t, record)
		for _, tt := range tests[r.name] {
			answer := outbound.Answer{Status: tt.status, Header: http.Header{}, Body: []byte(tt.body), FixedURL: q.FixedURL}
			if got := q.Read(answer).Meaning; got != tt.want {
				t.Errorf("%s: %d %s is %v, want %v", r.name, tt.status, tt.body, got, tt.want)
			}
		}
	}
}
