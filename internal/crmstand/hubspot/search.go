package hubspot

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/crmstand/wire"
)

// The bounds of a search.
const (
	maxGroups  = 5
	maxOfGroup = 6
	maxFilters = 18
	maxLimit   = 200
	usualLimit = 10
)

type query struct {
	Groups []struct {
		Filters []filter `json:"filters"`
	} `json:"filterGroups"`
	Sorts []struct {
		Property  string `json:"propertyName"`
		Direction string `json:"direction"`
	} `json:"sorts"`
	Properties []string `json:"properties"`
	Limit      int      `json:"limit"`
}

type filter struct {
	Property string   `json:"propertyName"`
	Operator string   `json:"operator"`
	Value    string   `json:"value"`
	Values   []string `json:"values"`
}

// search answers what the index knows: what was written SearchDelay ago.
func (a *Account) search(kind string, r *http.Request, now time.Time) (int, any, *failure) {
	if _, _, ok := a.searches.Take(now); !ok {
		return 0, nil, tooFast("SECONDLY", "secondly")
	}
	var q query
	if err := wire.Read(r, &q); err != nil {
		return 0, nil, invalid("Invalid input JSON: %v", err)
	}
	if refused := a.checkQuery(kind, q); refused != nil {
		return 0, nil, refused
	}
	results := []shown{}
	for _, o := range a.objects[kind] {
		if known := o.at(now.Add(-SearchDelay)); known != nil && q.matches(known) {
			results = append(results, show(o, chosen(known, q.Properties)))
		}
	}
	if len(q.Sorts) > 0 && q.Sorts[0].Direction == "DESCENDING" {
		slices.Reverse(results)
	}
	total := len(results)
	return http.StatusOK, map[string]any{"total": total, "results": results[:min(total, q.limit())]}, nil
}

func (q query) limit() int {
	if q.Limit == 0 {
		return usualLimit
	}
	return q.Limit
}

// checkQuery refuses what HubSpot does, and any order but that of creation.
func (a *Account) checkQuery(kind string, q query) *failure {
	filters := 0
	for _, g := range q.Groups {
		filters += len(g.Filters)
		if len(g.Filters) > maxOfGroup {
			return invalid("a filter group has at most %d filters", maxOfGroup)
		}
		for _, f := range g.Filters {
			if refused := a.checkFilter(kind, f); refused != nil {
				return refused
			}
		}
	}
	switch {
	case len(q.Groups) > maxGroups, filters > maxFilters:
		return invalid("a search has at most %d filter groups and %d filters", maxGroups, maxFilters)
	case q.Limit < 0 || q.Limit > maxLimit:
		return invalid("the limit is at most %d", maxLimit)
	case len(q.Sorts) > 1:
		return invalid("a search has one sorting rule")
	case len(q.Sorts) == 1 && (q.Sorts[0].Property != "createdate" || !slices.Contains([]string{"ASCENDING", "DESCENDING"}, q.Sorts[0].Direction)):
		return invalid("the stand-in sorts by createdate, ASCENDING or DESCENDING")
	}
	return nil
}

func (a *Account) checkFilter(kind string, f filter) *failure {
	if _, known := a.fields[kind][f.Property]; !known {
		return invalid("There was a problem with the request: property %q does not exist", f.Property)
	}
	switch f.Operator {
	case "EQ":
		if f.Value == "" {
			return invalid("operator EQ requires a value")
		}
	case "IN":
		if len(f.Values) == 0 {
			return invalid("operator IN requires values")
		}
	case "HAS_PROPERTY":
	default:
		return invalid("the stand-in has no operator %q", f.Operator)
	}
	return nil
}

// matches reports whether all filters of one group hold; without a group all match.
func (q query) matches(properties map[string]string) bool {
	if len(q.Groups) == 0 {
		return true
	}
	for _, g := range q.Groups {
		if !slices.ContainsFunc(g.Filters, func(f filter) bool { return !f.holds(properties) }) {
			return true
		}
	}
	return false
}

func (f filter) holds(properties map[string]string) bool {
	value, there := properties[f.Property]
	switch f.Operator {
	case "EQ":
		return there && strings.EqualFold(value, f.Value)
	case "IN":
		return there && slices.ContainsFunc(f.Values, func(v string) bool { return strings.EqualFold(v, value) })
	}
	return there
}

// chosen are the properties that were asked for, and those that always come.
func chosen(all map[string]string, names []string) map[string]string {
	some := map[string]string{}
	for _, name := range append([]string{"createdate", "lastmodifieddate", "hs_object_id"}, names...) {
		if value, there := all[name]; there {
			some[name] = value
		}
	}
	return some
}

// findOwners lists the owners, or the one of an address.
func (a *Account) findOwners(r *http.Request, _ time.Time) (int, any, *failure) {
	results := []map[string]any{}
	email := r.URL.Query().Get("email")
	for i, o := range a.owners {
		if !o.Archived && (email == "" || strings.EqualFold(o.Email, email)) {
			results = append(results, map[string]any{"id": o.ID, "email": o.Email, "userId": 7000000 + i, "type": "PERSON", "archived": false})
		}
	}
	return http.StatusOK, map[string]any{"results": results}, nil
}
