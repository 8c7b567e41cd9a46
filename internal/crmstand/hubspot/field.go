package hubspot

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/crmstand/wire"
)

// field is one property of a kind of objects.
type field struct {
	// values are the only ones it may have, where it has any.
	values []string
	// check says what is wrong with a value; nil where any text will do.
	check func(value string) string
	// calculated fields cannot be written.
	calculated bool
	// unique says that no two objects share a value.
	unique bool
}

const (
	searchablePhone  = "hs_searchable_calculated_phone_number"
	searchableMobile = "hs_searchable_calculated_mobile_number"
)

// standardFields are the properties that every account has, as far as calls touch
// them.
func standardFields() map[string]map[string]field {
	text, calculated := field{}, field{calculated: true}
	common := func(own map[string]field) map[string]field {
		for _, name := range []string{"createdate", "lastmodifieddate", "hs_object_id"} {
			own[name] = calculated
		}
		own["hubspot_owner_id"] = text
		return own
	}
	return map[string]map[string]field{
		contacts: common(map[string]field{
			"firstname": text, "lastname": text, "email": text, "phone": text, "mobilephone": text, "company": text,
			"lifecyclestage": {values: []string{"subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer", "evangelist", "other"}},
			"hs_lead_status": {values: []string{"NEW", "OPEN", "IN_PROGRESS", "OPEN_DEAL", "UNQUALIFIED", "ATTEMPTED_TO_CONTACT", "CONNECTED", "BAD_TIMING"}},
			searchablePhone:  calculated,
			searchableMobile: calculated,
			"hs_searchable_calculated_international_phone_number":  calculated,
			"hs_searchable_calculated_international_mobile_number": calculated,
		}),
		companies: common(map[string]field{"name": text, "domain": text, "phone": text, searchablePhone: calculated}),
		calls: common(map[string]field{
			"hs_call_title": text, "hs_call_body": text, "hs_call_source": text, "hs_call_disposition": text,
			"hs_call_from_number": text, "hs_call_to_number": text,
			"hs_timestamp":          {check: notTime},
			"hs_call_duration":      {check: notNumber},
			"hs_call_recording_url": {check: notHTTPS},
			"hs_call_direction":     {values: []string{"INBOUND", "OUTBOUND"}},
			"hs_call_status": {values: []string{
				"BUSY", "CALLING_CRM_USER", "CANCELED", "COMPLETED", "CONNECTING", "FAILED", "IN_PROGRESS", "NO_ANSWER", "QUEUED", "RINGING",
			}},
		}),
	}
}

func notTime(value string) string {
	if _, err := strconv.ParseInt(value, 10, 64); err == nil {
		return ""
	}
	if _, err := time.Parse(time.RFC3339, value); err == nil {
		return ""
	}
	return value + " was not a valid long."
}

func notNumber(value string) string {
	if _, err := strconv.ParseFloat(value, 64); err == nil {
		return ""
	}
	return value + " was not a valid number."
}

func notHTTPS(value string) string {
	if strings.HasPrefix(value, "https://") {
		return ""
	}
	return "the URL of a recording begins with https://"
}

// problem is what HubSpot says of one property.
type problem struct {
	Valid   bool   `json:"isValid"`
	Message string `json:"message"`
	Error   string `json:"error"`
	Name    string `json:"name"`
}

// problems are what is wrong with properties that are to be written.
func (a *Account) problems(kind string, properties map[string]string) []problem {
	var found []problem
	for name, value := range properties {
		code, message := a.problem(kind, name, value)
		if code != "" {
			found = append(found, problem{Message: message, Error: code, Name: name})
		}
	}
	slices.SortFunc(found, func(a, b problem) int { return strings.Compare(a.Name, b.Name) })
	return found
}

func (a *Account) problem(kind, name, value string) (code, message string) {
	f, known := a.fields[kind][name]
	switch {
	case !known:
		return "PROPERTY_DOESNT_EXIST", fmt.Sprintf("Property %q does not exist", name)
	case f.calculated:
		return "READ_ONLY_VALUE", fmt.Sprintf("%q is a read only property; its value cannot be set.", name)
	case value == "": // clears it
	case len(f.values) > 0 && !slices.Contains(f.values, value):
		return "INVALID_OPTION", fmt.Sprintf("%s was not one of the allowed options: [%s]", value, strings.Join(f.values, ", "))
	case f.check != nil && f.check(value) != "":
		return "INVALID_VALUE", f.check(value)
	case name == "hubspot_owner_id" && !a.owns(value):
		return "INVALID_OWNER_ID", fmt.Sprintf("Owner %s does not exist", value)
	}
	return "", ""
}

func (a *Account) owns(id string) bool {
	return slices.ContainsFunc(a.owners, func(o Owner) bool { return o.ID == id })
}

// calculate sets what HubSpot derives from the numbers as they were typed.
func calculate(kind string, properties map[string]string) {
	if kind == calls {
		return
	}
	properties[searchablePhone] = searchable(properties["phone"])
	if kind == contacts {
		properties[searchableMobile] = searchable(properties["mobilephone"])
	}
}

// countryCodes are those that the stand-in knows.
var countryCodes = []string{"852", "1", "44", "49", "62", "65", "81", "86"} //nolint:gochecknoglobals // a table

// searchable returns area code and local number of a number as it was typed: without
// the country code where it begins with + or 00, and without the trunk's 0. A country
// code without + is not known for one.
func searchable(typed string) string {
	digits := wire.Digits(typed)
	international := strings.Contains(typed, "+")
	if rest, found := strings.CutPrefix(digits, "00"); found {
		digits, international = rest, true
	}
	if international {
		for _, code := range countryCodes {
			if rest, found := strings.CutPrefix(digits, code); found {
				digits = rest
				break
			}
		}
	}
	return strings.TrimLeft(digits, "0")
}
