package crash

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cdrelay/cdrelay/internal/crmstand/hubspot"
	"github.com/cdrelay/cdrelay/internal/crmstand/pipedrive"
)

// TestCrashHubSpotHasOneEntry: three revisions of a call, a SIGKILL after HubSpot has
// stored and before it answers at every step of each, a dead letter that is corrected and
// replayed, and a resend leave one entry, linked once.
func TestCrashHubSpotHasOneEntry(t *testing.T) {
	account := hubspot.New(hubspot.Config{Token: "t"})
	owner := account.AddOwner("agent7@example.com")
	contact := account.AddContact(map[string]string{"lastname": "Lau", "phone": "3575 7581"})
	r := newCRMRig(t, account, "{preset: hubspot, with: {token: t, address: %q}}", everyStep)

	r.post(crmCall(1))
	r.await(1, "dead_letter") // the property that holds our id is not there
	account.AddUniqueProperty("cdrelay_call_id")
	r.replay()
	r.await(1, "delivered")
	for revision := 2; revision <= 3; revision++ {
		r.post(crmCall(revision))
		r.await(revision, "delivered")
	}
	r.resend()
	r.await(3, "delivered")

	calls := account.Calls()
	if len(calls) != 1 || !strings.HasSuffix(calls[0].Properties["hs_call_recording_url"], "3.mp3") || calls[0].Properties["hubspot_owner_id"] != owner {
		t.Errorf("there is not one entry of the last revision: %v", calls)
	}
	if want := []hubspot.Link{{Call: calls[0].ID, Kind: "contacts", To: contact}}; !slices.Equal(account.Links(), want) {
		t.Errorf("it is linked %v, not %v", account.Links(), want)
	}
	r.hasDied(map[string]int{"contact": 2, "owner": 5, "call": 5, "link": 1})
}

// TestCrashPipedriveHasOneEntry: the same at every step but the POST of the activity,
// which nothing recognises.
func TestCrashPipedriveHasOneEntry(t *testing.T) {
	account, person, user := pipedriveAccount()
	r := newCRMRig(t, account, "{preset: pipedrive, with: {token: t, address: %q}}", func(step string) bool { return step != "create" })

	r.post(crmCall(1))
	r.await(1, "delivered")
	r.refuse("update")
	r.post(crmCall(2))
	r.await(2, "dead_letter")
	r.replay()
	r.await(2, "delivered")
	r.post(crmCall(3))
	r.await(3, "delivered")
	r.resend()
	r.await(3, "delivered")

	all := account.Activities()
	if len(all) != 1 || !strings.Contains(all[0].Note, "3.mp3") || all[0].OwnerID != user {
		t.Errorf("there is not one activity of the last revision: %+v", all)
	}
	if want := []pipedrive.Participant{{PersonID: person, Primary: true}}; !slices.Equal(all[0].Participants, want) {
		t.Errorf("it is of %v, not %v", all[0].Participants, want)
	}
	r.hasDied(map[string]int{"person": 1, "user": 1, "lead": 1, "update": 3})
}

// TestCrashPipedriveExceptionIsAsDocumented: a process that dies between the POST of an
// activity and its answer makes a second one, which all later revisions change.
func TestCrashPipedriveExceptionIsAsDocumented(t *testing.T) {
	account, _, _ := pipedriveAccount()
	r := newCRMRig(t, account, "{preset: pipedrive, with: {token: t, address: %q}}", func(step string) bool { return step == "create" })
	for revision := 1; revision <= 2; revision++ {
		r.post(crmCall(revision))
		r.await(revision, "delivered")
	}
	var changed []int
	for _, one := range account.Activities() {
		changed = append(changed, one.Revisions)
	}
	if want := []int{0, 1}; !slices.Equal(changed, want) {
		t.Errorf("the activities were changed %v times, not %v", changed, want)
	}
	r.hasDied(map[string]int{"create": 1})
}

func pipedriveAccount() (a *pipedrive.Account, person, user int) {
	a = pipedrive.New(pipedrive.Config{Token: "t"})
	return a, a.AddPerson("Lau", 0, "3575 7581"), a.AddUser("agent7@example.com")
}

func everyStep(string) bool { return true }

// crmCall is a callback of one call; each revision has another recording.
func crmCall(revision int) string {
	return fmt.Sprintf(`{"callId":"6a0c6f0e-2d43-4a8f-8f5b-0c9be2a7d911","direction":0,"caller":"85235757581",`+
		`"callee":"agent7@pbx.example.com:5060","agentName":"agent7@example.com","agentNickName":"Mei","answered":true,`+
		`"startTime":1760607073000,"ringTime":1760607074000,"answerTime":1760607081000,"endTime":1760607265000,`+
		`"callDuration":184,"recordUrl":"https://recordings.example.com/%d.mp3"}`, revision)
}

const crmCallID = "nxlink:6a0c6f0e-2d43-4a8f-8f5b-0c9be2a7d911"

// crmRig is a server before a stand-in of a CRM. It dies after the stand-in has stored
// what a step sends and before that is answered: once for each step of each revision,
// and again after each replay and resend.
type crmRig struct {
	t      *testing.T
	config string
	dies   func(step string) bool

	mu      sync.Mutex // guards everything below
	p       *process
	seen    map[string]bool
	died    map[string]int
	refused string
}

func newCRMRig(t *testing.T, account http.Handler, sink string, dies func(step string) bool) *crmRig {
	t.Helper()
	r := &crmRig{t: t, dies: dies, seen: map[string]bool{}, died: map[string]int{}}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) { r.answer(account, w, req) }))
	t.Cleanup(s.Close)
	r.config = writeConfig(t, "", "sinks:\n  - name: crm\n    retry: {first: 100ms, max: 500ms}\n    "+
		strings.Trim(strings.ReplaceAll(fmt.Sprintf(sink, s.URL), ", with:", "\n    with:"), "{}")+"}\nrules: [{name: all, to: [crm]}]\n")
	r.p = launch(t, r.config)
	r.p.awaitServing()
	return r
}

// answer lets the stand-in answer, unless the server is to die first.
func (r *crmRig) answer(account http.Handler, w http.ResponseWriter, req *http.Request) {
	id := req.Header.Get("Idempotency-Key")
	step := id[strings.LastIndexByte(id, '-')+1:]
	r.mu.Lock()
	p, first, refused := r.p, !r.seen[id], r.refused == step
	r.seen[id] = true
	if refused {
		r.refused = ""
	}
	r.mu.Unlock()
	if refused {
		http.Error(w, `{"success":false,"error":"not as it was"}`, http.StatusBadRequest)
		return
	}
	stored := httptest.NewRecorder()
	account.ServeHTTP(stored, req)
	if first && r.dies(step) {
		r.mu.Lock()
		r.died[step]++
		r.mu.Unlock()
		_ = p.cmd.Process.Kill() // may have ended by itself, which the test will see
		<-p.ended
		return
	}
	maps.Copy(w.Header(), stored.Header())
	w.WriteHeader(stored.Code)
	_, _ = w.Write(stored.Body.Bytes()) // a server that is gone gets nothing
}

// refuse has a step refused once.
func (r *crmRig) refuse(step string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused = step
}

// serving returns a process that serves: the one that does, or the next one.
func (r *crmRig) serving() *process {
	r.t.Helper()
	r.mu.Lock()
	p := r.p
	r.mu.Unlock()
	if p.alive() {
		return p
	}
	p = launch(r.t, r.config)
	r.mu.Lock()
	r.p = p
	r.mu.Unlock()
	select {
	case <-p.serving:
	case <-p.ended: // killed before it said so
	case <-time.After(patience):
		r.t.Fatalf("the server does not serve\n%s", p.log)
	}
	return p
}

// ask sends a request to the process that serves, until one answers 200.
func (r *crmRig) ask(method string, address func(p *process) string, body string) []byte {
	r.t.Helper()
	var answer []byte
	eventually(r.t, patience, method+" is answered 200", func() bool {
		req, err := http.NewRequestWithContext(r.t.Context(), method, address(r.serving()), bytes.NewBufferString(body))
		if err != nil {
			r.t.Fatal(err)
		}
		req.Header.Set("token", "nxcc-secret")
		req.Header.Set("Content-Type", "application/json")
		resp, err := adminClient.Do(req)
		if err != nil {
			return false
		}
		defer func() { _ = resp.Body.Close() }()
		answer, err = io.ReadAll(resp.Body)
		return err == nil && resp.StatusCode == http.StatusOK
	})
	return answer
}

func (r *crmRig) post(body string) {
	r.t.Helper()
	r.ask(http.MethodPost, func(p *process) string { return p.public + "/callbacks/nxlink" }, body)
}

func (r *crmRig) admin(method, path, body string) []byte {
	r.t.Helper()
	return r.ask(method, func(p *process) string { return p.admin + path }, body)
}

// await waits until the delivery of a revision is in a state.
func (r *crmRig) await(revision int, state string) {
	r.t.Helper()
	eventually(r.t, patience, fmt.Sprintf("revision %d is %s", revision, state), func() bool {
		var call struct {
			Deliveries []struct {
				Revision int
				State    string
			}
		}
		if err := json.Unmarshal(r.admin(http.MethodGet, "/api/v1/calls/"+url.PathEscape(crmCallID), ""), &call); err != nil {
			r.t.Fatal(err)
		}
		for _, d := range call.Deliveries {
			if d.Revision == revision {
				return d.State == state
			}
		}
		return false
	})
}

// again has the server die at every step once more.
func (r *crmRig) again() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.seen)
}

func (r *crmRig) replay() {
	r.t.Helper()
	r.again()
	r.admin(http.MethodPost, "/api/v1/dead-letters/replay", `{"filter":{"sink":"crm"}}`)
}

func (r *crmRig) resend() {
	r.t.Helper()
	r.again()
	r.admin(http.MethodPost, "/api/v1/calls/"+url.PathEscape(crmCallID)+"/resend", `{"sinks":["crm"]}`)
}

// hasDied compares how often the server died at each step.
func (r *crmRig) hasDied(want map[string]int) {
	r.t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !maps.Equal(want, r.died) {
		r.t.Errorf("it died %v times at the steps, not %v", r.died, want)
	}
}
