package pipedrive

import (
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/cdrelay/cdrelay/internal/crmstand/wire"
)

// addPerson makes a person. Nothing keeps one from being made twice.
func (a *Account) addPerson(r *http.Request, now time.Time) (int, any, *failure) {
	var p struct {
		Name    string  `json:"name"`
		Phones  []Phone `json:"phones"`
		OwnerID int     `json:"owner_id"`
		OrgID   int     `json:"org_id"`
	}
	if err := wire.Read(r, &p); err != nil {
		return 0, nil, invalid("%v", err)
	}
	switch {
	case p.Name == "":
		return 0, nil, invalid("name: is required")
	case p.OwnerID != 0 && !a.user(p.OwnerID):
		return 0, nil, notFound("owner")
	case p.OrgID != 0 && !a.organization(p.OrgID):
		return 0, nil, notFound("organization")
	case p.OwnerID == 0:
		p.OwnerID = a.users[0].ID
	}
	made := Person{ID: a.newID(), Name: p.Name, Phones: p.Phones, OwnerID: p.OwnerID, OrganizationID: p.OrgID, made: now}
	a.persons = append(a.persons, made)
	return http.StatusCreated, made, nil
}

func (a *Account) readPerson(r *http.Request, _ time.Time) (int, any, *failure) {
	id, _ := strconv.Atoi(r.PathValue("id")) // 0 is nobody's
	if p := a.person(id); p != nil {
		return http.StatusOK, p, nil
	}
	return 0, nil, notFound("person")
}

// addLead makes a lead of a person or an organization.
func (a *Account) addLead(r *http.Request, _ time.Time) (int, any, *failure) {
	var l struct {
		Title          string `json:"title"`
		PersonID       int    `json:"person_id"`
		OrganizationID int    `json:"organization_id"`
		OwnerID        int    `json:"owner_id"`
	}
	if err := wire.Read(r, &l); err != nil {
		return 0, nil, invalid("%v", err)
	}
	switch {
	case l.Title == "":
		return 0, nil, invalid("title: is required")
	case l.PersonID == 0 && l.OrganizationID == 0:
		return 0, nil, invalid("a lead must be linked to a person or an organization")
	case l.PersonID != 0 && a.person(l.PersonID) == nil:
		return 0, nil, notFound("person")
	case l.OwnerID != 0 && !a.user(l.OwnerID):
		return 0, nil, notFound("owner")
	}
	made := Lead{ID: a.newLeadID(), Title: l.Title, PersonID: l.PersonID, OrganizationID: l.OrganizationID, OwnerID: l.OwnerID}
	a.leads = append(a.leads, made)
	return http.StatusCreated, made, nil
}

// change is what a request says of an activity; what it does not say stays.
type change struct {
	Subject      *string        `json:"subject"`
	Type         *string        `json:"type"`
	Done         *bool          `json:"done"`
	DueDate      *string        `json:"due_date"`
	DueTime      *string        `json:"due_time"`
	Duration     *string        `json:"duration"`
	OwnerID      *int           `json:"owner_id"`
	Participants *[]Participant `json:"participants"`
	OrgID        *int           `json:"org_id"`
	LeadID       *string        `json:"lead_id"`
	Note         *string        `json:"note"`
}

// addActivity makes an activity, however often the same was made before.
func (a *Account) addActivity(r *http.Request, _ time.Time) (int, any, *failure) {
	c, refused := a.readChange(r)
	if refused != nil {
		return 0, nil, refused
	}
	made := Activity{ID: a.newID(), Type: "call", OwnerID: a.users[0].ID}
	c.apply(&made)
	a.activities = append(a.activities, made)
	return http.StatusCreated, made, nil
}

func (a *Account) changeActivity(r *http.Request, _ time.Time) (int, any, *failure) {
	id, _ := strconv.Atoi(r.PathValue("id")) // 0 is none
	one := a.activity(id)
	if one == nil {
		return 0, nil, notFound("activity")
	}
	c, refused := a.readChange(r)
	if refused != nil {
		return 0, nil, refused
	}
	c.apply(one)
	one.Revisions++
	return http.StatusOK, one, nil
}

func (a *Account) readActivity(r *http.Request, _ time.Time) (int, any, *failure) {
	id, _ := strconv.Atoi(r.PathValue("id")) // 0 is none
	if one := a.activity(id); one != nil {
		return http.StatusOK, one, nil
	}
	return 0, nil, notFound("activity")
}

var (
	datePattern = regexp.MustCompile(`^\d{4}-\d\d-\d\d$`)
	timePattern = regexp.MustCompile(`^\d\d:\d\d$`)
)

// readChange reads and checks what a request says of an activity.
func (a *Account) readChange(r *http.Request) (change, *failure) {
	var c change
	if err := wire.Read(r, &c); err != nil {
		return c, invalid("%v", err)
	}
	switch {
	case !matches(c.DueDate, datePattern):
		return c, invalid("due_date: This value is not a valid date.")
	case !matches(c.DueTime, timePattern):
		return c, invalid("due_time: This value is not a valid datetime.")
	case !matches(c.Duration, timePattern):
		return c, invalid("duration: HH:MM")
	case c.Type != nil && *c.Type == "":
		return c, invalid("type: is empty")
	case c.OwnerID != nil && !a.user(*c.OwnerID):
		return c, notFound("owner")
	case c.OrgID != nil && !a.organization(*c.OrgID):
		return c, notFound("organization")
	case c.LeadID != nil && !a.lead(*c.LeadID):
		return c, notFound("lead")
	}
	if c.Participants != nil {
		for _, p := range *c.Participants {
			if a.person(p.PersonID) == nil {
				return c, notFound("person")
			}
		}
	}
	return c, nil
}

func matches(value *string, pattern *regexp.Regexp) bool {
	return value == nil || pattern.MatchString(*value)
}

func (c change) apply(one *Activity) {
	set(&one.Subject, c.Subject)
	set(&one.Type, c.Type)
	set(&one.Done, c.Done)
	set(&one.DueDate, c.DueDate)
	set(&one.DueTime, c.DueTime)
	set(&one.Duration, c.Duration)
	set(&one.OwnerID, c.OwnerID)
	set(&one.Participants, c.Participants)
	set(&one.OrgID, c.OrgID)
	set(&one.LeadID, c.LeadID)
	set(&one.Note, c.Note)
}

func set[T any](to, from *T) {
	if from != nil {
		*to = *from
	}
}
