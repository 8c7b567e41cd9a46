package hubspot

import (
	"net/http"
	"slices"
	"time"

	"github.com/cdrelay/cdrelay/internal/crmstand/wire"
	"github.com/cdrelay/cdrelay/internal/plainjson"
)

// createContact makes a contact. Only an e-mail keeps one from being made twice.
func (a *Account) createContact(r *http.Request, now time.Time) (int, any, *failure) {
	var body struct {
		Properties map[string]string `json:"properties"`
	}
	if err := wire.Read(r, &body); err != nil {
		return 0, nil, invalid("Invalid input JSON: %v", err)
	}
	if refused := a.checkProperties(contacts, body.Properties); refused != nil {
		return 0, nil, refused
	}
	if email := body.Properties["email"]; email != "" {
		for _, o := range a.objects[contacts] {
			if o.now()["email"] == email {
				return 0, nil, refuse(http.StatusConflict, "CONFLICT", "Contact already exists. Existing ID: %s", o.id)
			}
		}
	}
	o := a.create(contacts, body.Properties, now)
	return http.StatusCreated, show(o, o.now()), nil
}

// checkProperties refuses properties that cannot be written, with the list of what is
// wrong in the message, as HubSpot words it.
func (a *Account) checkProperties(kind string, properties map[string]string) *failure {
	found := a.problems(kind, properties)
	if len(found) == 0 {
		return nil
	}
	list, err := plainjson.Marshal(found)
	if err != nil {
		return invalid("%v", err)
	}
	return invalid("Property values were not valid: %s", list)
}

// input is one call of a batch. There is no field for associations.
type input struct {
	IDProperty string            `json:"idProperty"`
	ID         string            `json:"id"`
	TraceID    string            `json:"objectWriteTraceId"`
	Properties map[string]string `json:"properties"`
}

// maxBatch bounds the inputs of a batch.
const maxBatch = 100

// upsert makes or changes calls that are found by a property with unique values.
func (a *Account) upsert(r *http.Request, now time.Time) (int, any, *failure) {
	var body struct {
		Inputs []input `json:"inputs"`
	}
	if err := wire.Read(r, &body); err != nil {
		return 0, nil, invalid("Invalid input JSON: %v", err)
	}
	if len(body.Inputs) == 0 || len(body.Inputs) > maxBatch {
		return 0, nil, invalid("a batch has 1 to %d inputs", maxBatch)
	}
	results, errs := []shown{}, []any{}
	var last *failure
	for _, one := range body.Inputs {
		if last = a.checkInput(one); last != nil {
			errs = append(errs, last.body)
			continue
		}
		results = append(results, a.put(one, now))
	}
	answer := map[string]any{"status": "COMPLETE", "results": results, "startedAt": stamp(now), "completedAt": stamp(now)}
	switch {
	case len(errs) == 0:
		return http.StatusOK, answer, nil
	case len(results) == 0:
		return 0, nil, &failure{http.StatusBadRequest, errs[0]}
	}
	answer["numErrors"], answer["errors"] = len(errs), errs
	return http.StatusMultiStatus, answer, nil
}

func (a *Account) checkInput(one input) *failure {
	if f := a.fields[calls][one.IDProperty]; !f.unique {
		return invalid("Unable to perform update/upsert by non-unique 0-48 property %s", one.IDProperty)
	}
	if one.ID == "" {
		return invalid("an input of an upsert has an id")
	}
	if refused := a.checkProperties(calls, one.Properties); refused != nil {
		return refused
	}
	if a.callOf(one) == nil && one.Properties["hs_timestamp"] == "" {
		return invalid("Property values were not valid: hs_timestamp is required")
	}
	return nil
}

func (a *Account) callOf(one input) *object {
	i := slices.IndexFunc(a.objects[calls], func(o *object) bool { return o.now()[one.IDProperty] == one.ID })
	if i < 0 {
		return nil
	}
	return a.objects[calls][i]
}

// put makes or changes the call of a valid input.
func (a *Account) put(one input, now time.Time) shown {
	o := a.callOf(one)
	isNew := o == nil
	if isNew {
		o = a.create(calls, map[string]string{one.IDProperty: one.ID}, now)
	}
	o.change(calls, one.Properties, now)
	s := show(o, o.now())
	s.New = &isNew
	return s
}

// typeOf is the id of the association of a call with a kind of objects.
func typeOf(kind string) int {
	if kind == contacts {
		return 194
	}
	return 182
}

// link puts a call under a contact or a company; once is as good as twice.
func (a *Account) link(r *http.Request, _ time.Time) (int, any, *failure) {
	l := Link{Call: r.PathValue("id"), Kind: r.PathValue("kind"), To: r.PathValue("to")}
	if l.Kind != contacts && l.Kind != companies {
		return 0, nil, invalid("the stand-in links calls with contacts and companies")
	}
	if a.find(calls, l.Call) == nil || a.find(l.Kind, l.To) == nil {
		return 0, nil, refuse(http.StatusNotFound, "OBJECT_NOT_FOUND", "One or more objects could not be found")
	}
	if !slices.Contains(a.links, l) {
		a.links = append(a.links, l)
	}
	return http.StatusOK, map[string]any{"status": "COMPLETE", "results": []any{map[string]any{
		"from": map[string]string{"id": l.Call}, "to": map[string]string{"id": l.To},
		"associationSpec": map[string]any{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": typeOf(l.Kind)},
	}}}, nil
}

// readLinks lists what a call is associated with.
func (a *Account) readLinks(r *http.Request, _ time.Time) (int, any, *failure) {
	results := []any{}
	for _, l := range a.links {
		if l.Call == r.PathValue("id") && l.Kind == r.PathValue("kind") {
			results = append(results, map[string]any{"toObjectId": l.To})
		}
	}
	return http.StatusOK, map[string]any{"results": results}, nil
}
