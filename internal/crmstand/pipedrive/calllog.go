package pipedrive

import (
	"io"
	"net/http"
	"regexp"
	"slices"
	"time"

	"github.com/cdrelay/cdrelay/internal/crmstand/wire"
)

// logBody is what a request says of a call log.
type logBody struct {
	Outcome    string `json:"outcome"`
	To         string `json:"to_phone_number"`
	From       string `json:"from_phone_number"`
	Start      string `json:"start_time"`
	End        string `json:"end_time"`
	Duration   string `json:"duration"`
	Subject    string `json:"subject"`
	Note       string `json:"note"`
	UserID     int    `json:"user_id"`
	PersonID   int    `json:"person_id"`
	OrgID      int    `json:"org_id"`
	DealID     int    `json:"deal_id"`
	LeadID     string `json:"lead_id"`
	ActivityID int    `json:"activity_id"`
}

var (
	outcomes   = []string{"connected", "no_answer", "left_message", "left_voicemail", "wrong_number", "busy"} //nolint:gochecknoglobals // a table
	logPattern = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$`)
)

// addCallLog makes a call log: of an activity, whose links it takes, or with an
// activity of its own.
func (a *Account) addCallLog(r *http.Request, _ time.Time) (int, any, *failure) {
	var b logBody
	if err := wire.Read(r, &b); err != nil {
		return 0, nil, invalid("%v", err)
	}
	switch {
	case !slices.Contains(outcomes, b.Outcome):
		return 0, nil, invalid("outcome: is not one of %v", outcomes)
	case b.To == "", !logPattern.MatchString(b.Start), !logPattern.MatchString(b.End):
		return 0, nil, invalid("to_phone_number, start_time and end_time are required, the times as YYYY-MM-DD HH:MM:SS")
	case b.DealID != 0 && b.LeadID != "":
		return 0, nil, invalid("a call log has a deal or a lead")
	case b.ActivityID != 0 && a.activity(b.ActivityID) == nil:
		return 0, nil, notFound("activity")
	}
	if b.ActivityID == 0 {
		one := Activity{ID: a.newID(), Subject: b.Subject, Type: "call", Done: true, OwnerID: a.users[0].ID, OrgID: b.OrgID, LeadID: b.LeadID, Note: b.Note}
		if a.person(b.PersonID) != nil {
			one.Participants = []Participant{{PersonID: b.PersonID, Primary: true}}
		}
		a.activities = append(a.activities, one)
		b.ActivityID = one.ID
	}
	made := CallLog{ID: a.newLeadID(), ActivityID: b.ActivityID, Outcome: b.Outcome}
	a.logs = append(a.logs, made)
	return http.StatusOK, made, nil
}

func (a *Account) logAt(r *http.Request) int {
	return slices.IndexFunc(a.logs, func(l CallLog) bool { return l.ID == r.PathValue("id") })
}

// deleteCallLog deletes a log and keeps its activity.
func (a *Account) deleteCallLog(r *http.Request, _ time.Time) (int, any, *failure) {
	i := a.logAt(r)
	if i < 0 {
		return 0, nil, notFound("call log")
	}
	a.logs = slices.Delete(a.logs, i, i+1)
	return http.StatusOK, nil, nil
}

// addRecording keeps the bytes of an uploaded file.
func (a *Account) addRecording(r *http.Request, _ time.Time) (int, any, *failure) {
	i := a.logAt(r)
	if i < 0 {
		return 0, nil, notFound("call log")
	}
	file, _, err := r.FormFile("file")
	if err != nil {
		return 0, nil, invalid("file: %v", err)
	}
	defer func() { _ = file.Close() }() // only read from
	if a.logs[i].Recording, err = io.ReadAll(file); err != nil {
		return 0, nil, invalid("file: %v", err)
	}
	return http.StatusOK, nil, nil
}
