package intake

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/secret"
)

// Why a door stayed shut. The sender is told none of it: the texts are for the
// debug log.
var (
	errMissing = errors.New("credentials are missing")
	errWrong   = errors.New("credentials are wrong")
)

// A door judges who may post. open reads only the head of a request, so that a
// stranger's body is not even read, and returns the check that the body as sent
// must pass: never nil when the error is.
type door struct {
	open func(r *http.Request, now time.Time) (bodyCheck, error)
	// challenge is the WWW-Authenticate header of the 401.
	challenge string
}

// bodyCheck judges the body as it came over the wire, before any decoding.
type bodyCheck func(wire []byte) error

// anyBody is the check of doors that look only at the head.
func anyBody([]byte) error { return nil }

// newDoor returns an error when nothing guards the source, or nothing can check its
// signatures: authentication cannot be forgotten, not even by a caller that did not
// validate.
func newDoor(a Auth, signature call.Signature) (door, error) {
	kinds := a.kinds()
	if len(kinds) > 1 || len(kinds) == 0 && len(a.Allow) == 0 {
		return door{}, errors.New(noDoor)
	}
	switch {
	case a.Header != nil:
		return door{fromHeader(*a.Header), keyChallenge}, nil
	case a.Query != nil:
		return door{fromQuery(*a.Query), keyChallenge}, nil
	case a.Basic != nil:
		return door{fromBasic(*a.Basic), `Basic realm="cdrelay", charset="UTF-8"`}, nil
	case a.Bearer != nil:
		return door{fromBearer(a.Bearer), `Bearer realm="cdrelay"`}, nil
	case a.Digest != nil && signature == nil:
		return door{}, errors.New(unsigned)
	case a.Digest != nil:
		return door{fromSignature(signature, a.Digest.keys()), `AccessKey realm="cdrelay"`}, nil
	default: // everybody whose address is allowed
		return door{func(*http.Request, time.Time) (bodyCheck, error) { return anyBody, nil }, keyChallenge}, nil
	}
}

// keyChallenge names no place: which header or parameter holds the key is the
// operator's business.
const keyChallenge = `ApiKey realm="cdrelay"`

// opens is how a door judges a request.
type opens = func(r *http.Request, now time.Time) (bodyCheck, error)

func fromHeader(want NamedSecret) opens {
	name := http.CanonicalHeaderKey(want.Name)
	return func(r *http.Request, _ time.Time) (bodyCheck, error) {
		return compare(want.Value, r.Header.Get(name))
	}
}

func fromQuery(want NamedSecret) opens {
	return func(r *http.Request, _ time.Time) (bodyCheck, error) {
		check, err := compare(want.Value, r.URL.Query().Get(want.Name))
		if err == nil || !strings.Contains(r.URL.RawQuery, "+") {
			return check, err
		}
		// Platforms put a secret with a + into the URL as it is.
		raw, _ := url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, "+", "%2B"))
		return compare(want.Value, raw.Get(want.Name))
	}
}

func fromBearer(want secret.List) opens {
	return func(r *http.Request, _ time.Time) (bodyCheck, error) {
		scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return nil, errMissing
		}
		return compare(want, strings.TrimLeft(token, " "))
	}
}

// fromSignature asks the format whether it signed a callback.
func fromSignature(signature call.Signature, keys call.Keys) opens {
	return func(r *http.Request, now time.Time) (bodyCheck, error) {
		return signature(call.Signed{Header: r.Header, ReceivedAt: now}, keys)
	}
}

func fromBasic(want Basic) opens {
	return func(r *http.Request, _ time.Time) (bodyCheck, error) {
		name, password, ok := r.BasicAuth()
		if !ok {
			return nil, errMissing
		}
		// Both are compared also where the first is wrong, so that the time reveals nothing.
		nameFits, passwordFits := equalText(name, want.Username), want.Password.Equal(password)
		if !nameFits || !passwordFits {
			return nil, errWrong
		}
		return anyBody, nil
	}
}

func compare(want secret.List, got string) (bodyCheck, error) {
	switch {
	case got == "":
		return nil, errMissing
	case !want.Equal(got):
		return nil, errWrong
	}
	return anyBody, nil
}

func equalText(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
