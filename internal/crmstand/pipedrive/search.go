package pipedrive

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/crmstand/wire"
)

// The bounds of a search.
const (
	minTerm    = 2
	maxLimit   = 500
	usualLimit = 100
)

// hit is a person that was found.
type hit struct {
	Score float64 `json:"result_score"`
	Item  item    `json:"item"`
}

type item struct {
	ID           int            `json:"id"`
	Type         string         `json:"type"`
	Name         string         `json:"name"`
	Phones       []string       `json:"phones"`
	Owner        map[string]any `json:"owner"`
	Organization map[string]any `json:"organization"`
}

// searchPersons finds persons by number: whose digits contain those of the term, or
// whose number is the term.
func (a *Account) searchPersons(r *http.Request, now time.Time) (int, any, *failure) {
	q := r.URL.Query()
	term, exact := strings.TrimSpace(q.Get("term")), q.Get("exact_match") == "true" || q.Get("exact_match") == "1"
	limit, err := strconv.Atoi(cmp.Or(q.Get("limit"), strconv.Itoa(usualLimit)))
	switch {
	case len(term) < minTerm && (!exact || term == ""):
		return 0, nil, invalid("term: the search term must be at least %d characters long", minTerm)
	case q.Get("fields") != "phone":
		return 0, nil, invalid("fields: the stand-in searches phone")
	case err != nil || limit < 1 || limit > maxLimit:
		return 0, nil, invalid("limit: a number up to %d", maxLimit)
	}
	hits := []hit{}
	for _, p := range a.persons {
		if score := p.score(term, exact); score > 0 && !p.made.After(now.Add(-SearchDelay)) {
			hits = append(hits, hit{Score: score, Item: a.item(p)})
		}
	}
	slices.SortStableFunc(hits, func(x, y hit) int { return cmp.Compare(y.Score, x.Score) })
	return http.StatusOK, map[string]any{"items": hits[:min(len(hits), limit)]}, nil
}

// score is how well a person fits; 0 for not at all. A term that is more of the
// number fits better.
func (p Person) score(term string, exact bool) float64 {
	best := 0.0
	for _, phone := range p.Phones {
		digits, wanted := wire.Digits(phone.Value), wire.Digits(term)
		switch {
		case exact && strings.EqualFold(phone.Value, term):
			best = 1
		case !exact && wanted != "" && strings.Contains(digits, wanted):
			best = max(best, float64(len(wanted))/float64(len(digits)))
		}
	}
	return best
}

func (a *Account) item(p Person) item {
	i := item{ID: p.ID, Type: "person", Name: p.Name, Phones: []string{}, Owner: map[string]any{"id": p.OwnerID}}
	for _, phone := range p.Phones {
		i.Phones = append(i.Phones, phone.Value)
	}
	if name, there := a.organizations[p.OrganizationID]; there {
		i.Organization = map[string]any{"id": p.OrganizationID, "name": name}
	}
	return i
}

// findUsers finds users by a part of their names or addresses; nobody is null.
func (a *Account) findUsers(r *http.Request, _ time.Time) (int, any, *failure) {
	q := r.URL.Query()
	term := strings.ToLower(q.Get("term"))
	if len(term) < minTerm {
		return 0, nil, invalid("term: at least %d characters", minTerm)
	}
	var found []User
	for _, u := range a.users {
		text := u.Name
		if q.Get("search_by_email") == "1" {
			text = u.Email
		}
		if strings.Contains(strings.ToLower(text), term) {
			found = append(found, u)
		}
	}
	return http.StatusOK, found, nil
}

// listLeads lists the leads of a person; none are null.
func (a *Account) listLeads(r *http.Request, _ time.Time) (int, any, *failure) {
	person, err := strconv.Atoi(r.URL.Query().Get("person_id"))
	if err != nil {
		return 0, nil, invalid("person_id: a number")
	}
	var found []Lead
	for _, l := range a.leads {
		if l.PersonID == person {
			found = append(found, l)
		}
	}
	return http.StatusOK, found, nil
}
