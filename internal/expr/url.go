package expr

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// URL is an absolute http or https URL whose path and query may hold ${CEL}.
// Scheme, user information and host are fixed: no record changes where a
// request goes. It is immutable and safe for concurrent use. As a URL may be a
// secret, no error of this type holds it.
type URL struct {
	host  string
	parts []urlPiece
	// fixed is the whole URL where it holds no template.
	fixed string
}

// urlPiece is a piece and the place where it stands.
type urlPiece struct {
	piece
	inQuery bool
}

// ParseURL compiles a URL.
func ParseURL(src string) (URL, error) {
	if strings.TrimSpace(src) != src || src == "" {
		return URL{}, problem("the URL is empty or has a space at its beginning or end")
	}
	text, err := ParseText(src)
	if err != nil {
		return URL{}, withoutPlace(err)
	}
	u := URL{}
	if err := u.place(text.parts); err != nil {
		return URL{}, err
	}
	// A letter in the place of each value shows whether the rest is a URL.
	w := &writer{limit: maxText, full: func() error { return errLongText }}
	if err := u.write(w, func(*program) (string, error) { return "x", nil }); err != nil {
		return URL{}, problem("the URL is too long")
	}
	skeleton := string(w.buf)
	parsed, err := parseAbsolute(skeleton)
	if err != nil {
		return URL{}, err
	}
	if err := checkSegments(skeleton); err != nil {
		return URL{}, err
	}
	u.host = parsed.Host
	if len(u.parts) == 1 && u.parts[0].program == nil {
		u.fixed = skeleton
	}
	return u, nil
}

// withoutPlace drops columns, which mean nothing in a URL that nobody sees.
func withoutPlace(err error) error {
	var all faults
	if !errors.As(err, &all) {
		return err
	}
	bare := make(faults, len(all))
	for i, f := range all {
		bare[i] = fault{text: f.text}
	}
	return bare
}

// place sorts the parts into path and query and refuses a template before the
// path, or after something that it could complete.
func (u *URL) place(parts []piece) error {
	inQuery := false
	if len(parts) > 0 && parts[0].program == nil && !strings.Contains(parts[0].literal, "://") {
		return problem(noScheme)
	}
	if len(parts) == 0 || parts[0].program != nil || !reachesPath(parts[0].literal, len(parts) > 1) {
		return problem("${…} may stand only in the path and the query of a URL: scheme and host are fixed")
	}
	for i, p := range parts {
		if p.program == nil {
			if err := checkLiteral(p.literal); err != nil {
				return err
			}
			p.literal = escapeLiteral(p.literal, i == 0)
		}
		u.parts = append(u.parts, urlPiece{piece: p, inQuery: inQuery})
		inQuery = inQuery || p.program == nil && strings.Contains(p.literal, "?")
	}
	return nil
}

// escapeLiteral percent-encodes what a request line cannot carry, letters beyond
// ASCII; those of a host are for net/http to encode.
func escapeLiteral(s string, hasHost bool) string {
	from := 0
	if hasHost {
		from = strings.Index(s, "://") + len("://")
		if end := strings.IndexAny(s[from:], "/?"); end >= 0 {
			from += end
		} else {
			from = len(s)
		}
	}
	var b strings.Builder
	b.WriteString(s[:from])
	for _, c := range []byte(s[from:]) {
		if c < utf8.RuneSelf {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// reachesPath tells whether the authority ends within the literal.
func reachesPath(literal string, templates bool) bool {
	_, rest, ok := strings.Cut(literal, "://")
	return ok && (!templates || strings.ContainsAny(rest, "/?"))
}

func checkLiteral(s string) error {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '#':
			return problem("a URL for requests has no #fragment: remove it, or write %23")
		case c <= ' ' || c == 0x7f || c == '\\':
			return problem("the URL holds a space, a backslash or a control character: write it as %20, %5C …")
		case c == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])):
			return problem("a % in the URL is not followed by two hexadecimal digits: write %25 for a literal %")
		}
	}
	return nil
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

const noScheme = "the URL does not begin with http:// or https://: write the whole address"

func portInRange(port string) bool {
	if port == "" {
		return true
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// parseAbsolute parses a URL and says what is wrong without showing it.
func parseAbsolute(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, problem("the URL is malformed")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, problem(noScheme)
	case !portInRange(u.Port()):
		return nil, problem("the port of the URL is none: write 1 to 65535")
	case u.Hostname() == "":
		return nil, problem("the URL has no host")
	case strings.ContainsAny(u.Hostname(), "$(){}<>*!\"'`|"):
		return nil, problem("the host of the URL holds a character that no host has: no variable is filled in here, write the URL as a whole as {env: NAME}")
	}
	return u, nil
}

// checkSegments refuses "." and ".." in the path, also when percent-encoded or
// set off by an encoded slash: servers and proxies resolve them, so they lead to
// another place.
func checkSegments(s string) error {
	path, _, _ := strings.Cut(s, "?")
	_, path, _ = strings.Cut(path, "://")
	_, path, _ = strings.Cut(path, "/")
	plain, err := url.PathUnescape(path)
	if err != nil {
		return problem("the URL is malformed")
	}
	for _, segment := range strings.FieldsFunc(plain, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == "." || segment == ".." {
			return problem(`a segment of the URL's path is "." or ".."`)
		}
	}
	return nil
}

// DependsOnCall reports whether the URL differs from call to call.
func (u URL) DependsOnCall() bool {
	return slices.ContainsFunc(u.parts, func(p urlPiece) bool { return p.dependsOnCall() })
}

// Uses returns the results of steps that the URL reads.
func (u URL) Uses() (all []StepUse) {
	for _, p := range u.parts {
		all = append(all, p.program.uses()...)
	}
	return all
}

// Subject returns what of a call the URL asks for.
func (u URL) Subject() (s Subject) {
	for _, p := range u.parts {
		s |= p.program.subject()
	}
	return s
}

// DependsOnNow reports whether the URL differs from try to try.
func (u URL) DependsOnNow() bool {
	return slices.ContainsFunc(u.parts, func(p urlPiece) bool { return p.dependsOnNow() })
}

// Render returns the URL for a record. Values are escaped for the place where
// they stand and never end it; what has no value is empty.
func (u URL) Render(v *View) (string, error) {
	if u.fixed != "" {
		return u.fixed, v.Spend(len(u.fixed))
	}
	w := v.view.writer(nil)
	err := u.write(w, func(p *program) (string, error) { return p.text(&v.view) })
	v.view.wrote(w)
	out := string(w.buf)
	if err != nil {
		return "", fmt.Errorf("render the URL: %w", err)
	}
	if err := checkSegments(out); err != nil {
		return "", fmt.Errorf("render the URL: %w", err)
	}
	if parsed, err := parseAbsolute(out); err != nil || parsed.Host != u.host {
		return "", errors.New("render the URL: the values of this record do not make a URL")
	}
	return out, nil
}

// write writes the parts with a value for each expression.
func (u URL) write(w *writer, value func(*program) (string, error)) error {
	var now pathSegment
	inPath := true
	for _, p := range u.parts {
		if p.program == nil {
			ended, err := false, w.raw(p.literal)
			if err == nil && inPath {
				ended, err = now.literal(p.literal)
			}
			if err != nil {
				return err
			}
			inPath = inPath && !ended
			continue
		}
		s, err := value(p.program)
		if err != nil {
			return err
		}
		now.templated, now.filled = true, now.filled || s != ""
		w.escape = url.PathEscape
		if p.inQuery {
			w.escape = url.QueryEscape
		}
		if err := w.escaped(s); err != nil {
			return err
		}
	}
	if !inPath {
		return nil
	}
	return now.end()
}
