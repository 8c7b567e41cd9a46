// Package hubspot is a stand-in for HubSpot's CRM API: an http.Handler that keeps
// contacts, companies, owners, calls and what links them, for tests, for the demo,
// and for trying a configuration without an account.
//
// It is written from what HubSpot documents and from what users of the API report,
// and not from the preset that talks to it:
//
//   - Every path is there under /crm/objects/2026-03 and under its older twin.
//   - A property that an object does not have is refused (VALIDATION_ERROR, 400), as
//     is a value that is not a text. A batch of which one input is refused and another
//     is not answers 207. An input of an upsert takes no associations.
//   - An upsert finds a call by a property with unique values; such a property must
//     have been made first (AddUniqueProperty).
//   - Numbers are stored as they are typed. The search finds them by
//     hs_searchable_calculated_phone_number (of phone) and …_mobile_number (of
//     mobilephone): area code and local number, without the country code. The
//     twins with `international` in their names exist and find nothing.
//   - The search knows what was written SearchDelay ago. It takes at most 5 groups,
//     6 filters a group, 18 in all, one rule of order, and 5 requests a second.
//   - All requests are limited to 100 in ten seconds. A 429 has no Retry-After.
//   - Contacts are unique by e-mail only.
//
// It does not have: OAuth, paging, filters beyond EQ, IN and HAS_PROPERTY, custom
// associations, and HubSpot's object "lead", which is a contact of a life-cycle stage
// here. A field of a request that HubSpot may pass over without a word is refused, so
// that a slip is seen.
//
// An Account is safe for concurrent use.
package hubspot
