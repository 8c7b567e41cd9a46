package pipedrive_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/crmstand/pipedrive"
)

// account is an account with a clock that only the test moves.
type account struct {
	*pipedrive.Account
	now time.Time
}

func newAccount() *account {
	a := &account{now: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)}
	a.Account = pipedrive.New(pipedrive.Config{Token: "t", Now: func() time.Time { return a.now }})
	return a
}

// answer is what every answer has.
type answer struct {
	Success bool            `json:"success"`
	Data    json.RawMessage `json:"data"`
	Error   string          `json:"error"`

	status int
	header http.Header
}

func (a *account) send(t *testing.T, r *http.Request) answer {
	t.Helper()
	r.Header.Set("x-api-token", "t")
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	got := answer{status: w.Code, header: w.Header()}
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("%s %s: %d %s", r.Method, r.URL, w.Code, w.Body)
	}
	if got.Success != (w.Code/100 == 2) {
		t.Errorf("%s %s: %d with success %v", r.Method, r.URL, w.Code, got.Success)
	}
	return got
}

func (a *account) ask(t *testing.T, method, path, body string) answer {
	t.Helper()
	return a.send(t, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
}

// must returns the data of an answer that has succeeded.
func must[T any](t *testing.T, got answer) (data T) {
	t.Helper()
	if !got.Success {
		t.Fatalf("%d %s", got.status, got.Error)
	}
	if err := json.Unmarshal(got.Data, &data); err != nil {
		t.Fatal(err)
	}
	return data
}

// found returns the persons that a search finds, the best first.
func (a *account) found(t *testing.T, term, more string) []int {
	t.Helper()
	a.now = a.now.Add(time.Second)
	data := must[struct {
		Items []struct {
			Item struct {
				ID int `json:"id"`
			} `json:"item"`
		} `json:"items"`
	}](t, a.ask(t, http.MethodGet, "/api/v2/persons/search?fields=phone&term="+url.QueryEscape(term)+more, ""))
	ids := []int{}
	for _, one := range data.Items {
		ids = append(ids, one.Item.ID)
	}
	return ids
}

// TestNumbersAreFoundAsDocumented: by any part of their digits, or exactly.
func TestNumbersAreFoundAsDocumented(t *testing.T) {
	a := newAccount()
	trunk, plus := a.AddPerson("Trunk", 0, "0812-3456-7890"), a.AddPerson("Plus", 0, "021 555", "+62 812 3456 7890")
	longer := a.AddPerson("Longer", 0, "812345678901")
	for _, tt := range []struct {
		term, more string
		want       []int
	}{
		{"81234567890", "", []int{trunk, longer, plus}},
		{"812-3456 7890", "", []int{trunk, longer, plus}},
		{"6281234567890", "", []int{plus}},
		{"+6281234567890", "", []int{plus}},
		{"81234567890", "&exact_match=true", []int{}},
		{"0812-3456-7890", "&exact_match=true", []int{trunk}},
		{"81234567890", "&limit=1", []int{trunk}},
		{"99", "", []int{}},
	} {
		if got := a.found(t, tt.term, tt.more); !cmp.Equal(got, tt.want) {
			t.Errorf("%s%s finds %v, want %v", tt.term, tt.more, got, tt.want)
		}
	}
	if got := a.ask(t, http.MethodGet, "/api/v2/persons/search?fields=phone&term=8", ""); got.status != http.StatusBadRequest {
		t.Errorf("one character: %d", got.status)
	}
}

func TestSearchIsLate(t *testing.T) {
	a := newAccount()
	p := must[pipedrive.Person](t, a.ask(t, http.MethodPost, "/api/v2/persons", `{"name":"N","phones":[{"value":"0812","primary":true,"label":"mobile"}]}`))
	for range 4 { // each moves the clock by a second
		if got := a.found(t, "0812", ""); len(got) > 0 {
			t.Fatalf("the search knows of %v too early", got)
		}
	}
	if got := a.found(t, "0812", ""); !cmp.Equal(got, []int{p.ID}) {
		t.Errorf("after %s the search finds %v", pipedrive.SearchDelay, got)
	}
}

func TestUsersAreFoundByAPart(t *testing.T) {
	a := newAccount()
	sari, other := a.AddUser("sari@acme.example"), a.AddUser("xsari@acme.example")
	users := must[[]pipedrive.User](t, a.ask(t, http.MethodGet, "/api/v1/users/find?term=sari@acme.example&search_by_email=1", ""))
	if len(users) != 2 || users[0].ID != sari || users[1].ID != other {
		t.Errorf("found %v", users)
	}
	if got := a.ask(t, http.MethodGet, "/v1/users/find?term=nobody@acme.example&search_by_email=1", ""); !got.Success || string(got.Data) != "null" {
		t.Errorf("nobody: %s", got.Data)
	}
}

const activity = `{"subject":"Call","type":"call","done":true,"due_date":"2026-11-30","due_time":"02:15","duration":"00:01","note":"answered"}`

func TestActivitiesAreMadeAndChanged(t *testing.T) {
	a := newAccount()
	person, user, org := a.AddPerson("P", 0, "1"), a.AddUser("sari@acme.example"), a.AddOrganization("Acme")
	body := strings.TrimSuffix(activity, "}") + fmt.Sprintf(`,"owner_id":%d,"org_id":%d,"participants":[{"person_id":%d,"primary":true}]}`, user, org, person)
	first := must[pipedrive.Activity](t, a.ask(t, http.MethodPost, "/api/v2/activities", body))
	second := must[pipedrive.Activity](t, a.ask(t, http.MethodPost, "/api/v2/activities", body))
	if first.ID == second.ID {
		t.Error("a repeated POST is the same activity")
	}
	must[pipedrive.Activity](t, a.ask(t, http.MethodPatch, fmt.Sprintf("/api/v2/activities/%d", first.ID), `{"note":"with recording"}`))
	got := must[pipedrive.Activity](t, a.ask(t, http.MethodGet, fmt.Sprintf("/api/v2/activities/%d", first.ID), ""))
	want := pipedrive.Activity{
		ID: first.ID, Subject: "Call", Type: "call", Done: true, DueDate: "2026-11-30", DueTime: "02:15", Duration: "00:01",
		OwnerID: user, OrgID: org, Participants: []pipedrive.Participant{{PersonID: person, Primary: true}}, Note: "with recording",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the activity (-want +got):\n%s", diff)
	}
	if got := a.ask(t, http.MethodPatch, "/api/v2/activities/999", `{"note":"x"}`); got.status != http.StatusNotFound {
		t.Errorf("a change of none: %d", got.status)
	}
}

func TestActivitiesRefuse(t *testing.T) {
	for _, body := range []string{
		strings.Replace(activity, `"done":true`, `"done":1`, 1), strings.Replace(activity, "02:15", "02:15:00", 1),
		strings.Replace(activity, "00:01", "65", 1), strings.Replace(activity, "2026-11-30", "30.11.2026", 1),
		strings.Replace(activity, `"note"`, `"colour"`, 1), strings.Replace(activity, `"note":"answered"`, `"owner_id":99`, 1),
		strings.Replace(activity, `"note":"answered"`, `"participants":[{"person_id":99}]`, 1),
		strings.Replace(activity, `"note":"answered"`, `"participants":[{"person_id":"1"}]`, 1),
		strings.Replace(activity, `"note":"answered"`, `"lead_id":"none"`, 1),
	} {
		a := newAccount()
		if got := a.ask(t, http.MethodPost, "/api/v2/activities", body); got.Success || len(a.Activities()) > 0 {
			t.Errorf("%s is taken: %d", body, got.status)
		}
	}
}

func TestLeads(t *testing.T) {
	a := newAccount()
	person := a.AddPerson("P", 0, "1")
	path := fmt.Sprintf("/api/v1/leads?person_id=%d", person)
	if got := a.ask(t, http.MethodGet, path, ""); string(got.Data) != "null" {
		t.Errorf("no leads: %s", got.Data)
	}
	made := must[pipedrive.Lead](t, a.ask(t, http.MethodPost, "/v1/leads", fmt.Sprintf(`{"title":"T","person_id":%d}`, person)))
	listed := must[[]pipedrive.Lead](t, a.ask(t, http.MethodGet, path, ""))
	if len(listed) != 1 || listed[0].ID != made.ID || len(made.ID) != 36 {
		t.Errorf("made %v, listed %v", made, listed)
	}
	for _, body := range []string{`{"title":"T"}`, `{"person_id":1}`, `{"title":"T","person_id":99}`} {
		if got := a.ask(t, http.MethodPost, "/v1/leads", body); got.Success {
			t.Errorf("%s is taken", body)
		}
	}
}

// TestCallLogs: one of an activity makes no second entry, and its end is not that of
// the activity.
func TestCallLogs(t *testing.T) {
	a := newAccount()
	one := must[pipedrive.Activity](t, a.ask(t, http.MethodPost, "/api/v2/activities", activity))
	const times = `"outcome":"connected","to_phone_number":"1","start_time":"2026-11-30 02:15:00","end_time":"2026-11-30 02:16:05"`
	log := must[pipedrive.CallLog](t, a.ask(t, http.MethodPost, "/api/v1/callLogs", fmt.Sprintf(`{%s,"activity_id":%d}`, times, one.ID)))
	if log.ActivityID != one.ID || len(a.Activities()) != 1 {
		t.Errorf("the log %v made one of %d activities", log, len(a.Activities()))
	}
	body, contentType := upload(t, "recording")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/callLogs/"+log.ID+"/recordings", body)
	r.Header.Set("Content-Type", contentType)
	a.send(t, r)
	if logs := a.CallLogs(); string(logs[0].Recording) != "recording" {
		t.Errorf("the recording is %q", logs[0].Recording)
	}
	a.ask(t, http.MethodDelete, "/api/v1/callLogs/"+log.ID, "")
	if len(a.CallLogs()) != 0 || len(a.Activities()) != 1 {
		t.Errorf("after DELETE: %d logs, %d activities", len(a.CallLogs()), len(a.Activities()))
	}
	a.ask(t, http.MethodPost, "/api/v1/callLogs", "{"+times+"}")
	if len(a.Activities()) != 2 {
		t.Error("a log without an activity makes none")
	}
	if got := a.ask(t, http.MethodPost, "/api/v1/callLogs", strings.Replace("{"+times+"}", "connected", "rejected", 1)); got.Success {
		t.Error("another outcome is taken")
	}
}

func upload(t *testing.T, content string) (body *bytes.Buffer, contentType string) {
	t.Helper()
	body = new(bytes.Buffer)
	form := multipart.NewWriter(body)
	file, err := form.CreateFormFile("file", "a.mp3")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	return body, form.FormDataContentType()
}

func TestTokenAndLimits(t *testing.T) {
	a := newAccount()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/users/find?term=xx", nil))
	if w.Code != http.StatusUnauthorized {
		t.Errorf("without a token: %d", w.Code)
	}
	for i := range 11 {
		got := a.ask(t, http.MethodGet, "/api/v2/persons/search?fields=phone&term=12", "")
		if got.Success != (i < 10) || got.header.Get("x-ratelimit-reset") != "2" || got.header.Get("Retry-After") != "" {
			t.Errorf("search %d: %d %v", i+1, got.status, got.header)
		}
	}
	a.now = a.now.Add(2 * time.Second)
	if got := a.ask(t, http.MethodGet, "/api/v2/persons/search?fields=phone&term=12", ""); !got.Success {
		t.Errorf("two seconds later: %d", got.status)
	}
}
