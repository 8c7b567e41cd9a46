package admin

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/problem"
)

// maxBody bounds the body of a request: some 100,000 ids.
const maxBody = 4 << 20

// field is a member that an object may have, and where it goes.
type field struct {
	name string
	into any
	// want says what the value must be.
	want     string
	required bool
}

// read takes the body of a change: one JSON object with these fields and no
// others. False when it was answered with what is wrong.
func (a *api) read(w http.ResponseWriter, r *http.Request, fields ...field) bool {
	if !isJSON(w, r) {
		return false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		problem.Write(w, http.StatusRequestEntityTooLarge, fmt.Sprintf("a body has at most %d bytes", maxBody))
		return false
	}
	if err == nil {
		err = readObject(body, "", fields)
	}
	if err != nil {
		problem.Write(w, http.StatusBadRequest, err.Error())
		return false
	}
	return true
}

// noBody accepts a change that has nothing to say: no body, or an empty object.
func (a *api) noBody(w http.ResponseWriter, r *http.Request) bool { return a.mayRead(w, r) }

// mayRead takes the body of a change that may have none.
func (a *api) mayRead(w http.ResponseWriter, r *http.Request, fields ...field) bool {
	if r.ContentLength == 0 && r.Header.Get("Content-Type") == "" {
		return true
	}
	if r.ContentLength == 0 {
		return isJSON(w, r)
	}
	return a.read(w, r, fields...)
}

// isJSON refuses other types: a page of another site can post those without the
// browser asking us first.
func isJSON(w http.ResponseWriter, r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		problem.Write(w, http.StatusUnsupportedMediaType, "send JSON with Content-Type: application/json")
		return false
	}
	return true
}

// readObject reads one JSON object. at goes before names in errors.
func readObject(text []byte, at string, fields []field) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("%s must be a JSON object", strings.TrimSuffix(cmp.Or(at, "the body"), "."))
	}
	seen := map[string]bool{}
	for dec.More() {
		name, value, err := member(dec)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
		switch {
		case i < 0:
			return fmt.Errorf("unknown field %q: there are %s", at+name, names(fields))
		case seen[name]:
			return fmt.Errorf("the field %q stands twice", at+name)
		}
		seen[name] = true
		if err := fields[i].set(at, value); err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil { // the closing brace
		return notJSON(err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return errors.New("something stands after the JSON object")
	}
	for _, f := range fields {
		if f.required && !seen[f.name] {
			return fmt.Errorf("the field %q is missing: it must be %s", at+f.name, f.want)
		}
	}
	return nil
}

func member(dec *json.Decoder) (name string, value json.RawMessage, err error) {
	t, err := dec.Token()
	if err != nil {
		return "", nil, notJSON(err)
	}
	name, _ = t.(string) // a key is always one
	if err := dec.Decode(&value); err != nil {
		return name, nil, notJSON(err)
	}
	return name, value, nil
}

func notJSON(err error) error { return fmt.Errorf("the body is not JSON: %w", err) }

func names(fields []field) string {
	if len(fields) == 0 {
		return "none"
	}
	var out []string
	for _, f := range fields {
		out = append(out, f.name)
	}
	return strings.Join(out, ", ")
}

// set reads the value; an object goes to a func that reads it.
func (f field) set(at string, value json.RawMessage) error {
	if read, ok := f.into.(func(text []byte, at string) error); ok {
		return read(value, at+f.name+".")
	}
	if t, ok := f.into.(*time.Time); ok {
		var text string
		if json.Unmarshal(value, &text) != nil || !readTime(text, t) {
			return fmt.Errorf("%q must be %s", at+f.name, f.want)
		}
		return nil
	}
	if string(value) == "null" || json.Unmarshal(value, f.into) != nil {
		return fmt.Errorf("%q must be %s", at+f.name, f.want)
	}
	return nil
}

// readTime reads RFC 3339.
func readTime(text string, t *time.Time) bool {
	parsed, err := time.Parse(time.RFC3339, text)
	*t = parsed
	return err == nil
}
