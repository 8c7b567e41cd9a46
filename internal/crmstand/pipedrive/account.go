package pipedrive

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cdrelay/cdrelay/internal/crmstand/wire"
)

// SearchDelay is how long the search does not know of a person that was made.
const SearchDelay = 5 * time.Second

// Config describes an account.
type Config struct {
	// Token is the API token of a user.
	Token string
	// Now is the clock; nil for the real one.
	Now func() time.Time
}

// Account is one Pipedrive account.
type Account struct {
	config Config
	mux    *http.ServeMux

	mu            sync.Mutex // guards everything below
	lastID        int
	users         []User
	organizations map[int]string
	persons       []Person
	leads         []Lead
	activities    []Activity
	logs          []CallLog
	requests      wire.Limit
	searches      wire.Limit
}

// User is somebody to whom things belong.
type User struct {
	ID     int    `json:"id"`
	Name   string `json:"name"`
	Email  string `json:"email"`
	Active bool   `json:"active_flag"`
}

// Phone is a number of a person, as it was typed.
type Phone struct {
	Value   string `json:"value"`
	Primary bool   `json:"primary"`
	Label   string `json:"label"`
}

// Person is a contact.
type Person struct {
	ID             int     `json:"id"`
	Name           string  `json:"name"`
	Phones         []Phone `json:"phones"`
	OwnerID        int     `json:"owner_id,omitempty"`
	OrganizationID int     `json:"org_id,omitempty"`

	made time.Time
}

// Lead is something that may become a deal.
type Lead struct {
	ID             string `json:"id"`
	Title          string `json:"title"`
	PersonID       int    `json:"person_id,omitempty"`
	OrganizationID int    `json:"organization_id,omitempty"`
	OwnerID        int    `json:"owner_id,omitempty"`
}

// Participant is a person of an activity.
type Participant struct {
	PersonID int  `json:"person_id"`
	Primary  bool `json:"primary"`
}

// Activity is an entry of the calendar and of the history of what it is linked with.
type Activity struct {
	ID           int           `json:"id"`
	Subject      string        `json:"subject"`
	Type         string        `json:"type"`
	Done         bool          `json:"done"`
	DueDate      string        `json:"due_date"`
	DueTime      string        `json:"due_time"`
	Duration     string        `json:"duration"`
	OwnerID      int           `json:"owner_id"`
	Participants []Participant `json:"participants"`
	OrgID        int           `json:"org_id,omitempty"`
	LeadID       string        `json:"lead_id,omitempty"`
	Note         string        `json:"note"`
	// Revisions counts how often it was changed.
	Revisions int `json:"-"`
}

// CallLog is an entry of a telephone.
type CallLog struct {
	ID         string `json:"id"`
	ActivityID int    `json:"activity_id"`
	Outcome    string `json:"outcome"`
	// Recording is what was uploaded.
	Recording []byte `json:"-"`
}

// New returns an account whose only user is the one of the token.
func New(c Config) *Account {
	if c.Now == nil {
		c.Now = time.Now
	}
	a := &Account{
		config: c, organizations: map[int]string{},
		requests: wire.Limit{Requests: 80, Per: 2 * time.Second},
		searches: wire.Limit{Requests: 10, Per: 2 * time.Second},
	}
	a.users = []User{{ID: a.newID(), Name: "Integration", Email: "integration@acme.example", Active: true}}
	a.mux = a.routes()
	return a
}

// newID returns an id that nothing in the account has.
func (a *Account) newID() int {
	a.lastID++
	return a.lastID
}

// seeded is how long ago what was there before the first request was made.
const seeded = time.Hour

// AddUser returns the id of a new user.
func (a *Account) AddUser(email string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	u := User{ID: a.newID(), Name: email, Email: email, Active: true}
	a.users = append(a.users, u)
	return u.ID
}

// AddOrganization returns the id of a new organization.
func (a *Account) AddOrganization(name string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := a.newID()
	a.organizations[id] = name
	return id
}

// AddPerson returns the id of a new person, whom the search knows already; the
// organization may be 0.
func (a *Account) AddPerson(name string, organization int, phones ...string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	p := Person{ID: a.newID(), Name: name, OrganizationID: organization, OwnerID: a.users[0].ID, made: a.config.Now().Add(-seeded)}
	for i, phone := range phones {
		p.Phones = append(p.Phones, Phone{Value: phone, Primary: i == 0, Label: "work"})
	}
	a.persons = append(a.persons, p)
	return p.ID
}

// AddLead returns the id of a new lead of a person.
func (a *Account) AddLead(title string, person int) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := Lead{ID: a.newLeadID(), Title: title, PersonID: person, OwnerID: a.users[0].ID}
	a.leads = append(a.leads, l)
	return l.ID
}

// newLeadID returns an id in the form that leads and call logs have.
func (a *Account) newLeadID() string {
	return fmt.Sprintf("adf21080-0e10-11eb-879b-%012d", a.newID())
}

// Activities returns the activities in the order in which they were made.
func (a *Account) Activities() []Activity {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.activities)
}

// Persons returns the persons in the order in which they were made.
func (a *Account) Persons() []Person {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.persons)
}

// Leads returns the leads in the order in which they were made.
func (a *Account) Leads() []Lead {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.leads)
}

// CallLogs returns the call logs in the order in which they were made.
func (a *Account) CallLogs() []CallLog {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.logs)
}

// The following report what is there; the lock is held.

func (a *Account) user(id int) bool {
	return slices.ContainsFunc(a.users, func(u User) bool { return u.ID == id })
}

func (a *Account) person(id int) *Person {
	i := slices.IndexFunc(a.persons, func(p Person) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	return &a.persons[i]
}

func (a *Account) activity(id int) *Activity {
	i := slices.IndexFunc(a.activities, func(one Activity) bool { return one.ID == id })
	if i < 0 {
		return nil
	}
	return &a.activities[i]
}

func (a *Account) organization(id int) bool {
	_, there := a.organizations[id]
	return there
}

func (a *Account) lead(id string) bool {
	return slices.ContainsFunc(a.leads, func(l Lead) bool { return l.ID == id })
}
