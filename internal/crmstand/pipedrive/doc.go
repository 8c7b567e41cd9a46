// Package pipedrive is a stand-in for Pipedrive's API: an http.Handler that keeps
// persons, organizations, users, leads, activities and call logs, for tests and for
// trying a configuration without an account.
//
// It is written from what Pipedrive documents and from what users of the API report,
// and not from the preset that talks to it:
//
//   - Version 2 has persons and activities, version 1 users, leads and call logs;
//     paths of version 1 are there with and without /api.
//   - Every answer has `success`. A list of version 1 that holds nothing is null.
//   - An activity can be made and changed, and has no key of ours: a second POST is a
//     second activity. `done` is a bool, `due_time` and `duration` are HH:MM.
//   - A call log can be made, read and deleted. One that is made of an activity takes
//     its links from there; one that is made without makes an activity. Deleting a log
//     keeps the activity.
//   - Numbers are stored as they are typed. persons/search finds those whose digits
//     contain the digits of the term, which has at least two characters; with
//     exact_match, those that are the term. It knows what was written SearchDelay
//     ago. users/find with search_by_email finds parts of addresses, too.
//   - Organizations have no numbers, and leads are found by person only.
//   - A search is limited to 10 requests in two seconds, all requests to 80. A 429 has
//     no Retry-After; x-ratelimit-reset says how many seconds are left.
//
// It does not have: OAuth, paging, deals, the daily budget, and any field that a call
// does not touch. A field that it does not know is refused.
//
// An Account is safe for concurrent use.
package pipedrive
