package hubspot

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cdrelay/cdrelay/internal/crmstand/wire"
)

// SearchDelay is how long the search does not know of what was written.
const SearchDelay = 5 * time.Second

// The kinds of objects, as they stand in paths.
const (
	contacts  = "contacts"
	companies = "companies"
	calls     = "calls"
)

// Config describes an account.
type Config struct {
	// Token is the access token of a private app.
	Token string
	// Now is the clock; nil for the real one.
	Now func() time.Time
}

// Account is one HubSpot account.
type Account struct {
	config Config
	mux    *http.ServeMux

	mu       sync.Mutex // guards everything below
	lastID   int
	objects  map[string][]*object
	fields   map[string]map[string]field
	owners   []Owner
	links    []Link
	requests wire.Limit
	searches wire.Limit
}

// Owner is a user to whom objects can belong.
type Owner struct {
	// ID is what hubspot_owner_id holds.
	ID    string
	Email string
	// Archived owners are not listed.
	Archived bool
}

// Link is the association of a call with a contact or a company.
type Link struct {
	// Call is the id of the call.
	Call string
	// Kind is "contacts" or "companies".
	Kind string
	// To is the id of the contact or company.
	To string
}

// Object is what the account holds under one id.
type Object struct {
	ID         string
	Properties map[string]string
}

// object keeps the states that an object has had, for the search.
type object struct {
	id     string
	states []state
}

type state struct {
	at         time.Time
	properties map[string]string
}

// at returns the properties that the object had at a time; nil where it was not yet.
func (o *object) at(t time.Time) map[string]string {
	for _, s := range slices.Backward(o.states) {
		if !s.at.After(t) {
			return s.properties
		}
	}
	return nil
}

func (o *object) now() map[string]string { return o.states[len(o.states)-1].properties }

// New returns an account that holds nothing.
func New(c Config) *Account {
	if c.Now == nil {
		c.Now = time.Now
	}
	a := &Account{
		config: c, objects: map[string][]*object{}, fields: standardFields(),
		requests: wire.Limit{Requests: 100, Per: 10 * time.Second},
		searches: wire.Limit{Requests: 5, Per: time.Second},
	}
	a.mux = a.routes()
	return a
}

// seeded is how long ago what was there before the first request was written.
const seeded = time.Hour

// AddContact returns the id of a new contact, which the search knows already.
func (a *Account) AddContact(properties map[string]string) string {
	return a.seed(contacts, properties)
}

// AddCompany returns the id of a new company, which the search knows already.
func (a *Account) AddCompany(properties map[string]string) string {
	return a.seed(companies, properties)
}

// AddOwner returns the id of a new owner.
func (a *Account) AddOwner(email string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	id := a.newID()
	a.owners = append(a.owners, Owner{ID: id, Email: email})
	return id
}

// AddUniqueProperty makes a text property of calls with unique values, as an
// administrator does.
func (a *Account) AddUniqueProperty(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.fields[calls][name] = field{unique: true}
}

func (a *Account) seed(kind string, properties map[string]string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.create(kind, properties, a.config.Now().Add(-seeded)).id
}

// Calls returns the calls in the order in which they were made.
func (a *Account) Calls() []Object { return a.list(calls) }

// Contacts returns the contacts in the order in which they were made.
func (a *Account) Contacts() []Object { return a.list(contacts) }

func (a *Account) list(kind string) []Object {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []Object
	for _, o := range a.objects[kind] {
		list = append(list, Object{ID: o.id, Properties: maps.Clone(o.now())})
	}
	return list
}

// Links returns what links calls, in the order in which it was made.
func (a *Account) Links() []Link {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.links)
}

// newID returns an id that nothing in the account has; the lock is held.
func (a *Account) newID() string {
	a.lastID++
	return strconv.Itoa(51000000000 + a.lastID)
}

// find returns an object; nil where there is none of the id.
func (a *Account) find(kind, id string) *object {
	i := slices.IndexFunc(a.objects[kind], func(o *object) bool { return o.id == id })
	if i < 0 {
		return nil
	}
	return a.objects[kind][i]
}

// create makes an object of valid properties.
func (a *Account) create(kind string, properties map[string]string, at time.Time) *object {
	o := &object{id: a.newID()}
	a.objects[kind] = append(a.objects[kind], o)
	o.change(kind, properties, at)
	return o
}

// change sets properties; an empty value clears one.
func (o *object) change(kind string, properties map[string]string, at time.Time) {
	next := map[string]string{"createdate": stamp(at)}
	if len(o.states) > 0 {
		next = maps.Clone(o.now())
	}
	maps.Copy(next, properties)
	next["hs_object_id"], next["lastmodifieddate"] = o.id, stamp(at)
	calculate(kind, next)
	maps.DeleteFunc(next, func(_, value string) bool { return value == "" })
	o.states = append(o.states, state{at: at, properties: next})
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
