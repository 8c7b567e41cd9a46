package outbound

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Failure is an error that carries a decision. A Request's Prepare returns one
// when it knows better than the default what its failure means, for example
// Paused with the wait that a token endpoint asked for.
type Failure struct {
	// Meaning is one of Rejected, Unwell, Timeout, Connect, Credentials, Paused.
	Meaning Meaning
	Wait    time.Duration
	Err     error
}

// Error is the text of the cause.
func (f *Failure) Error() string {
	if f.Err == nil {
		return f.Meaning.String()
	}
	return f.Err.Error()
}

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }

// tooLate is the cause of a context that ended by the setting `timeout`.
type tooLate struct{ timeout time.Duration }

func (e *tooLate) Error() string {
	return fmt.Sprintf("no complete answer within timeout (%v)", e.timeout)
}

// failed says what the error of a wire try means. parent is the caller's
// context, try the one with the timeout.
func failed(parent, try context.Context, host string, err error) Verdict {
	if late, ok := errors.AsType[*tooLate](context.Cause(try)); ok {
		return Verdict{Meaning: Timeout, Detail: host + ": " + late.Error()}
	}
	if parent.Err() != nil {
		return Verdict{Meaning: Canceled, Detail: host + ": " + parent.Err().Error()}
	}
	v := Verdict{Meaning: Connect, Detail: host + ": " + withoutURL(err)}
	if f, ok := errors.AsType[*Failure](err); ok && f.Meaning.isFromAnswer() && f.Meaning != Delivered {
		v.Meaning, v.Wait = f.Meaning, f.Wait
	} else if e, ok := errors.AsType[net.Error](err); ok && e.Timeout() {
		v.Meaning = Timeout
	}
	return v
}

// unprepared gives the error of a Prepare its default meaning: the credentials
// are wrong, unless it could not reach whoever gives them out.
func unprepared(err error) error {
	if _, ok := errors.AsType[*Failure](err); ok {
		return err
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return err
	}
	return &Failure{Meaning: Credentials, Err: err}
}

// anyURL finds addresses in error texts of libraries.
var anyURL = regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://)([^\s"'<>]*)`)

// withoutURL is the text of an error with each URL reduced to its host: a path
// or a query may be all the secret that a sink has.
func withoutURL(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*url.Error](err); ok && e.URL != "" {
		// Structurally first, because a broken URL may hold blanks and quotes.
		text = strings.ReplaceAll(text, strconv.Quote(e.URL), hostOf(e.URL))
		text = strings.ReplaceAll(text, e.URL, hostOf(e.URL))
	}
	return anyURL.ReplaceAllStringFunc(text, hostOf)
}

// hostOf is the host of an address that need not be a valid one.
func hostOf(address string) string {
	_, rest, found := strings.Cut(address, "://")
	if !found {
		return "the address"
	}
	authority := rest[:strings.IndexFunc(rest+"/", func(r rune) bool { return strings.ContainsRune(`/?#\`, r) })]
	return authority[strings.LastIndexByte(authority, '@')+1:]
}
