package sqlite

import (
	"encoding/json"
	"reflect"

	"github.com/cdrelay/cdrelay/internal/plainjson"
	"github.com/cdrelay/cdrelay/internal/spool"
)

const (
	// attemptsFirst and attemptsLast bound the attempts that are kept with a
	// delivery: how it began to fail and how it fails now.
	attemptsFirst = 3
	attemptsLast  = 17
	// maxRequests bounds the different requests that are kept with them: the first,
	// and the latest ones. Nearly always they are all the same.
	maxRequests = 5
)

// loggedAttempt is an attempt as the column attempts of a delivery holds it.
type loggedAttempt struct {
	spool.Attempt
	// SameRequest stands for the request of the attempt before.
	SameRequest bool `json:"same_request,omitempty"`
}

// decodeAttempts reads a log of attempts. A damaged log loses only itself.
func decodeAttempts(log []byte) []spool.Attempt {
	var logged []loggedAttempt
	if len(log) == 0 || json.Unmarshal(log, &logged) != nil || len(logged) == 0 {
		return nil
	}
	all := make([]spool.Attempt, len(logged))
	for i, l := range logged {
		all[i] = l.Attempt
		if i > 0 && l.SameRequest {
			all[i].Request = all[i-1].Request
		}
	}
	return all
}

// encodeAttempts writes a log of attempts, in which a request that is repeated
// stands once.
func encodeAttempts(all []spool.Attempt) ([]byte, error) {
	logged := make([]loggedAttempt, len(all))
	for i, a := range all {
		logged[i].Attempt = a
		if i > 0 && a.Request != nil && sameRequest(a, all[i-1]) {
			logged[i].Request, logged[i].SameRequest = nil, true
		}
	}
	return plainjson.Marshal(logged)
}

func sameRequest(a, b spool.Attempt) bool { return reflect.DeepEqual(a.Request, b.Request) }

// bounded drops what is too much of the attempts of a delivery, out of the middle.
func bounded(all []spool.Attempt) []spool.Attempt {
	if extra := len(all) - attemptsFirst - attemptsLast; extra > 0 {
		all = append(all[:attemptsFirst:attemptsFirst], all[attemptsFirst+extra:]...)
	}
	different := 0
	for i, a := range all {
		if a.Request != nil && (i == 0 || !sameRequest(a, all[i-1])) {
			different++
		}
	}
	first := true
	for i := 0; i < len(all) && different > maxRequests; {
		end := i + 1
		for end < len(all) && sameRequest(all[i], all[end]) {
			end++
		}
		if all[i].Request != nil {
			if !first {
				different--
				for j := i; j < end; j++ {
					all[j].Request = nil
				}
			}
			first = false
		}
		i = end
	}
	return all
}

// addAttempts joins the attempts made now to those kept, bounded.
func (d *delivery) addAttempts(now []spool.Attempt) (log []byte, tries int) {
	if len(now) == 0 {
		return d.attempts, d.Tries
	}
	tries = d.Tries + len(now)
	all := decodeAttempts(d.attempts)
	for _, a := range now {
		a.Millis = a.Duration.Milliseconds()
		all = append(all, a)
	}
	log, err := encodeAttempts(bounded(all))
	if err != nil { // cannot happen: plain fields only
		return d.attempts, tries
	}
	return log, tries
}
