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

// A door judges who may post. Open reads only the head of a request, so that a
// stranger's body is not even read, and returns the check that the body as sent
// must pass: never nil when the error is.
type door interface {
	open(r *http.Request, now time.Time) (bodyCheck, error)
	// challenge is the WWW-Authenticate header of the 401.
	challenge() string
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
		return nil, errors.New(noDoor)
	}
	switch {
	case a.Header != nil:
		return headerDoor{name: http.CanonicalHeaderKey(a.Header.Name), want: a.Header.Value}, nil
	case a.Query != nil:
		return queryDoor{*a.Query}, nil
	case a.Basic != nil:
		return basicDoor{*a.Basic}, nil
	case a.Bearer != nil:
		return bearerDoor{a.Bearer}, nil
	case a.Digest != nil && signature == nil:
		return nil, errors.New(unsigned)
	case a.Digest != nil:
		return signatureDoor{signature, a.Digest.keys()}, nil
	default:
		return openDoor{}, nil
	}
}

// keyChallenge names no place: which header or parameter holds the key is the
// operator's business.
const keyChallenge = `ApiKey realm="cdrelay"`

// openDoor lets in everybody whose address is allowed.
type openDoor struct{}

func (openDoor) open(*http.Request, time.Time) (bodyCheck, error) { return anyBody, nil }
func (openDoor) challenge() string                                { return keyChallenge }

type headerDoor struct {
	name string // canonical
	want secret.List
}

func (d headerDoor) open(r *http.Request, _ time.Time) (bodyCheck, error) {
	return compare(d.want, r.Header.Get(d.name))
}
func (headerDoor) challenge() string { return keyChallenge }

type queryDoor struct{ want NamedSecret }

func (d queryDoor) open(r *http.Request, _ time.Time) (bodyCheck, error) {
	check, err := compare(d.want.Value, r.URL.Query().Get(d.want.Name))
	if err == nil || !strings.Contains(r.URL.RawQuery, "+") {
		return check, err
	}
	// Platforms put a secret with a + into the URL as it is.
	raw, _ := url.ParseQuery(strings.ReplaceAll(r.URL.RawQuery, "+", "%2B"))
	return compare(d.want.Value, raw.Get(d.want.Name))
}
func (queryDoor) challenge() string { return keyChallenge }

type bearerDoor struct{ want secret.List }

func (d bearerDoor) open(r *http.Request, _ time.Time) (bodyCheck, error) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, errMissing
	}
	return compare(d.want, strings.TrimLeft(token, " "))
}
func (bearerDoor) challenge() string { return `Bearer realm="cdrelay"` }

// signatureDoor asks the format whether it signed a callback.
type signatureDoor struct {
	signature call.Signature
	keys      call.Keys
}

func (d signatureDoor) open(r *http.Request, now time.Time) (bodyCheck, error) {
	return d.signature(call.Signed{Header: r.Header, ReceivedAt: now}, d.keys)
}
func (signatureDoor) challenge() string { return `AccessKey realm="cdrelay"` }

type basicDoor struct{ want Basic }

func (d basicDoor) open(r *http.Request, _ time.Time) (bodyCheck, error) {
	name, password, ok := r.BasicAuth()
	if !ok {
		return nil, errMissing
	}
	// Both are compared also where the first is wrong, so that the time reveals nothing.
	nameFits, passwordFits := equalText(name, d.want.Username), d.want.Password.Equal(password)
	if !nameFits || !passwordFits {
		return nil, errWrong
	}
	return anyBody, nil
}
func (basicDoor) challenge() string { return `Basic realm="cdrelay", charset="UTF-8"` }

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
