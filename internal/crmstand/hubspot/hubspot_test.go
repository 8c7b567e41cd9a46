package hubspot_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/crmstand/hubspot"
)

const base = "/crm/objects/2026-03"

// account is an account with a clock that only the test moves.
type account struct {
	*hubspot.Account
	now time.Time
}

func newAccount() *account {
	a := &account{now: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)}
	a.Account = hubspot.New(hubspot.Config{Token: "t", Now: func() time.Time { return a.now }})
	return a
}

// ask sends a request with the token and returns what is answered.
func (a *account) ask(t *testing.T, method, path, body string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer t")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	var answer map[string]any
	if w.Code != http.StatusNotFound || w.Body.Len() > 0 && w.Body.Bytes()[0] == '{' {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
		}
	}
	return w.Code, answer
}

func (a *account) must(t *testing.T, method, path, body string) map[string]any {
	t.Helper()
	status, answer := a.ask(t, method, path, body)
	if status/100 != 2 {
		t.Fatalf("%s %s: %d %v", method, path, status, answer)
	}
	return answer
}

// found returns the ids that a search for one property finds.
func (a *account) found(t *testing.T, kind, property, value string) []string {
	t.Helper()
	a.now = a.now.Add(time.Second) // five searches a second
	body := fmt.Sprintf(`{"filterGroups":[{"filters":[{"propertyName":%q,"operator":"EQ","value":%q}]}],"properties":["phone"]}`, property, value)
	return ids(t, a.must(t, http.MethodPost, base+"/"+kind+"/search", body))
}

func ids(t *testing.T, answer map[string]any) []string {
	t.Helper()
	list, ok := answer["results"].([]any)
	if !ok {
		t.Fatalf("no results: %v", answer)
	}
	found := []string{}
	for _, one := range list {
		found = append(found, fmt.Sprint(one.(map[string]any)["id"])) //nolint:errcheck // a panic fails the test
	}
	return found
}

// TestNumbersAreFoundAsDocumented: by area code and local number without the country
// code, or exactly as they were typed.
func TestNumbersAreFoundAsDocumented(t *testing.T) {
	a := newAccount()
	typed := []string{"0812-3456-7890", "+62 812 3456 7890", "6281234567890", "(0)812 34567890", "+852 9123 4567"}
	byTyped := map[string]string{}
	for _, phone := range typed {
		byTyped[phone] = a.AddContact(map[string]string{"phone": phone})
	}
	mobile := a.AddContact(map[string]string{"mobilephone": "0062-812-3456-7890"})

	const calculated = "hs_searchable_calculated_phone_number"
	if got, want := a.found(t, "contacts", calculated, "81234567890"), []string{byTyped[typed[0]], byTyped[typed[1]], byTyped[typed[3]]}; !cmp.Equal(got, want) {
		t.Errorf("the national number finds %v, not %v", got, want)
	}
	if got := a.found(t, "contacts", "hs_searchable_calculated_mobile_number", "81234567890"); !cmp.Equal(got, []string{mobile}) {
		t.Errorf("the mobile number finds %v", got)
	}
	if got := a.found(t, "contacts", calculated, "6281234567890"); !cmp.Equal(got, []string{byTyped[typed[2]]}) {
		t.Errorf("with the country code only what was typed so is found: %v", got)
	}
	for phone, id := range byTyped {
		if got := a.found(t, "contacts", "phone", phone); !cmp.Equal(got, []string{id}) {
			t.Errorf("%s as typed finds %v", phone, got)
		}
	}
	for _, property := range []string{"hs_searchable_calculated_international_phone_number", "hs_searchable_calculated_international_mobile_number"} {
		if got := a.found(t, "contacts", property, "+6281234567890"); len(got) > 0 {
			t.Errorf("%s finds %v", property, got)
		}
	}
	company := a.AddCompany(map[string]string{"name": "Acme", "phone": "021 555 0100"})
	if got := a.found(t, "companies", calculated, "215550100"); !cmp.Equal(got, []string{company}) {
		t.Errorf("the company is found as %v", got)
	}
}

func TestSearchIsLate(t *testing.T) {
	a := newAccount()
	made := a.must(t, http.MethodPost, base+"/contacts", `{"properties":{"phone":"0812"}}`)
	id, _ := made["id"].(string)
	for range 4 { // each moves the clock by a second
		if got := a.found(t, "contacts", "phone", "0812"); len(got) > 0 {
			t.Fatalf("the search knows of %v too early", got)
		}
	}
	if got := a.found(t, "contacts", "phone", "0812"); !cmp.Equal(got, []string{id}) {
		t.Errorf("after %s the search finds %v", hubspot.SearchDelay, got)
	}
}

func TestOrderAndLimit(t *testing.T) {
	a := newAccount()
	first, second := a.AddContact(map[string]string{"phone": "1"}), a.AddContact(map[string]string{"phone": "1"})
	group := `"filterGroups":[{"filters":[{"propertyName":"phone","operator":"IN","values":["1"]}]}]`
	for body, want := range map[string][]string{
		`{` + group + `}`:           {first, second},
		`{` + group + `,"limit":1}`: {first},
		`{` + group + `,"limit":1,"sorts":[{"propertyName":"createdate","direction":"DESCENDING"}]}`: {second},
	} {
		a.now = a.now.Add(time.Second)
		answer := a.must(t, http.MethodPost, base+"/contacts/search", body)
		if got := ids(t, answer); !cmp.Equal(got, want) || answer["total"] != 2.0 {
			t.Errorf("%s: %v", body, answer)
		}
	}
}

func TestSearchRefuses(t *testing.T) {
	filter := `{"propertyName":"phone","operator":"EQ","value":"1"}`
	group := func(filters int) string {
		return `{"filters":[` + strings.TrimSuffix(strings.Repeat(filter+",", filters), ",") + `]}`
	}
	groups := func(n, filters int) string {
		return `{"filterGroups":[` + strings.TrimSuffix(strings.Repeat(group(filters)+",", n), ",") + `]}`
	}
	for body, ok := range map[string]bool{
		groups(3, 6): true, groups(5, 3): true,
		groups(6, 1): false, groups(1, 7): false, groups(4, 5): false,
		`{"filterGroups":[{"filters":[{"propertyName":"telephone","operator":"EQ","value":"1"}]}]}`: false,
		`{"filterGroups":[{"filters":[{"propertyName":"phone","operator":"EQ","value":""}]}]}`:      false,
		`{"filterGroups":[{"filters":[{"propertyName":"phone","operator":"IN"}]}]}`:                 false,
		`{"filterGroups":[{"filters":[{"propertyName":"phone","operator":"LIKE","value":"1"}]}]}`:   false,
		`{"filtergroup":[]}`: false, `{"limit":201}`: false,
		`{"sorts":[{"propertyName":"createdate"},{"propertyName":"phone"}]}`: false,
	} {
		a := newAccount()
		status, answer := a.ask(t, http.MethodPost, base+"/contacts/search", body)
		if (status == http.StatusOK) != ok || !ok && answer["category"] != "VALIDATION_ERROR" {
			t.Errorf("%s: %d %v", body, status, answer)
		}
	}
}

func upsert(id, more string) string {
	return `{"idProperty":"cdrelay_call_id","id":"` + id + `","properties":{"hs_timestamp":"2026-11-30T02:15:00.000Z"` + more + `}}`
}

func batch(inputs ...string) string { return `{"inputs":[` + strings.Join(inputs, ",") + `]}` }

func TestUpsert(t *testing.T) {
	a := newAccount()
	const path = base + "/calls/batch/upsert"
	if status, answer := a.ask(t, http.MethodPost, path, batch(upsert("1", ""))); status != http.StatusBadRequest ||
		!strings.Contains(fmt.Sprint(answer["message"]), "non-unique") {
		t.Errorf("before the property is made: %d %v", status, answer)
	}
	a.AddUniqueProperty("cdrelay_call_id")
	for i, wantNew := range []bool{true, false} {
		answer := a.must(t, http.MethodPost, path, batch(upsert("1", fmt.Sprintf(`,"hs_call_duration":"%d"`, i))))
		if result := answer["results"].([]any)[0].(map[string]any); result["new"] != wantNew || answer["status"] != "COMPLETE" { //nolint:errcheck // a panic fails the test
			t.Errorf("time %d: %v", i+1, answer)
		}
	}
	if all := a.Calls(); len(all) != 1 || all[0].Properties["hs_call_duration"] != "1" || all[0].Properties["cdrelay_call_id"] != "1" {
		t.Errorf("there is %v", all)
	}
	status, answer := a.ask(t, http.MethodPost, path, batch(upsert("2", ""), upsert("3", `,"hs_call_status":"DONE"`)))
	if status != http.StatusMultiStatus || answer["numErrors"] != 1.0 || len(a.Calls()) != 2 {
		t.Errorf("one good, one bad: %d %v", status, answer)
	}
}

func TestUpsertRefuses(t *testing.T) {
	for _, one := range []string{
		upsert("1", `,"colour":"red"`), upsert("1", `,"hs_call_duration":65`), upsert("1", `,"hs_call_duration":"long"`),
		upsert("1", `,"hs_call_direction":"inbound"`), upsert("1", `,"hs_call_recording_url":"http://rec.example.com/a.mp3"`),
		upsert("1", `,"hubspot_owner_id":"12"`), upsert("1", `,"hs_object_id":"12"`), upsert("", ""),
		`{"idProperty":"cdrelay_call_id","id":"1","properties":{}}`,
		strings.TrimSuffix(upsert("1", ""), "}") + `,"associations":[]}`,
	} {
		a := newAccount()
		a.AddUniqueProperty("cdrelay_call_id")
		status, answer := a.ask(t, http.MethodPost, base+"/calls/batch/upsert", batch(one))
		if status != http.StatusBadRequest || answer["category"] != "VALIDATION_ERROR" || len(a.Calls()) > 0 {
			t.Errorf("%s: %d %v", one, status, answer)
		}
	}
}

func TestOwnerContactAndLinks(t *testing.T) {
	a := newAccount()
	a.AddUniqueProperty("cdrelay_call_id")
	owner := a.AddOwner("sari@acme.example")
	a.AddOwner("amy@acme.example")
	if got := ids(t, a.must(t, http.MethodGet, "/crm/v3/owners/?email=sari@acme.example&limit=1", "")); !cmp.Equal(got, []string{owner}) {
		t.Errorf("owners: %v", got)
	}
	if got := ids(t, a.must(t, http.MethodGet, "/crm/v3/owners/?email=nobody@acme.example", "")); len(got) > 0 {
		t.Errorf("owners of nobody: %v", got)
	}
	call := ids(t, a.must(t, http.MethodPost, base+"/calls/batch/upsert", batch(upsert("1", `,"hubspot_owner_id":"`+owner+`"`))))[0]
	contact := a.AddContact(map[string]string{"phone": "1"})
	for range 2 {
		a.must(t, http.MethodPut, base+"/calls/"+call+"/associations/default/contacts/"+contact, "")
	}
	if got, want := a.Links(), []hubspot.Link{{Call: call, Kind: "contacts", To: contact}}; !cmp.Equal(got, want) {
		t.Errorf("links: %v", got)
	}
	if status, _ := a.ask(t, http.MethodPut, base+"/calls/"+call+"/associations/default/contacts/1", ""); status != http.StatusNotFound {
		t.Errorf("a link to nobody is answered %d", status)
	}
	if got := a.must(t, http.MethodGet, base+"/calls/"+call, ""); got["properties"].(map[string]any)["hubspot_owner_id"] != owner { //nolint:errcheck // a panic fails the test
		t.Errorf("the call is %v", got)
	}
}

func TestContactsAreUniqueByEmailOnly(t *testing.T) {
	a := newAccount()
	for range 2 {
		a.must(t, http.MethodPost, base+"/contacts", `{"properties":{"phone":"+6281234567890","lifecyclestage":"lead"}}`)
	}
	a.must(t, http.MethodPost, base+"/contacts", `{"properties":{"email":"a@example.com"}}`)
	if status, answer := a.ask(t, http.MethodPost, base+"/contacts", `{"properties":{"email":"a@example.com"}}`); status != http.StatusConflict || answer["category"] != "CONFLICT" {
		t.Errorf("the same address: %d %v", status, answer)
	}
	if n := len(a.Contacts()); n != 3 {
		t.Errorf("there are %d contacts", n)
	}
}

func TestTokenAndLimits(t *testing.T) {
	a := newAccount()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/crm/v3/owners/", nil))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("without a token: %d", w.Code)
	}
	for i := range 6 {
		status, answer := a.ask(t, http.MethodPost, base+"/contacts/search", `{}`)
		if (status == http.StatusOK) != (i < 5) || i == 5 && (status != http.StatusTooManyRequests || answer["policyName"] != "SECONDLY") {
			t.Errorf("search %d: %d %v", i+1, status, answer)
		}
	}
	for i := range 95 {
		status, answer := a.ask(t, http.MethodGet, "/crm/v3/owners/", "")
		if (status == http.StatusOK) != (i < 94) || i == 94 && (answer["errorType"] != "RATE_LIMIT" || answer["policyName"] != "TEN_SECONDLY_ROLLING") {
			t.Errorf("request %d: %d %v", i+7, status, answer)
		}
	}
}
