package demo

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"

	"github.com/cdrelay/cdrelay/internal/crmstand/hubspot"
)

// account is a HubSpot account with one contact, whose number is stored as people type
// it, and one user.
type account struct {
	*hubspot.Account
	contact, owner string
}

// The people of the account; the number and the address are those of the samples.
const (
	contactName   = "Ada Lau"
	contactNumber = "3575 7581"
	ownerEmail    = "agent7@example.com"
)

func newAccount() *account {
	a := &account{Account: hubspot.New(hubspot.Config{Token: hubspotToken})}
	a.AddUniqueProperty("cdrelay_call_id")
	a.owner = a.AddOwner(ownerEmail)
	a.AddContact(map[string]string{"lastname": "Somebody else", "phone": "3575 7580"})
	a.contact = a.AddContact(map[string]string{"lastname": contactName, "phone": contactNumber})
	return a
}

// answer has the account answer.
func (a *account) answer(_ int, r *http.Request, body []byte) reply {
	again := r.Clone(r.Context())
	again.Body = http.NoBody
	if len(body) > 0 {
		again.Body = io.NopCloser(bytes.NewReader(body))
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, again)
	return reply{status: w.Code, body: w.Body.String()}
}

// entries are the calls with an id of ours.
func (a *account) entries(id string) []hubspot.Object {
	return slices.DeleteFunc(a.Calls(), func(o hubspot.Object) bool { return o.Properties["cdrelay_call_id"] != id })
}

// shows says what a user of HubSpot sees of a call.
func (a *account) shows(id string) string {
	all := a.entries(id)
	if len(all) != 1 {
		return fmt.Sprintf("%d entries", len(all))
	}
	under, of := "under nobody", "of nobody"
	if slices.Contains(a.Links(), hubspot.Link{Call: all[0].ID, Kind: "contacts", To: a.contact}) {
		under = "under " + contactName
	}
	if all[0].Properties["hubspot_owner_id"] == a.owner {
		of = "of " + ownerEmail
	}
	text := fmt.Sprintf("one entry %q %s, %s", all[0].Properties["hs_call_title"], under, of)
	if all[0].Properties["hs_call_recording_url"] != "" {
		text += ", with the recording"
	}
	return text
}
