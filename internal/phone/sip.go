package phone

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// parseSIP reads sip:user:password@host:port;params?headers (RFC 3261), the
// scheme and all but user and host optional. The user comes back decoded and
// without its parameters; sip is user@host, fit to be dialled. A password is dropped.
func parseSIP(s string) (user, params, sip string, ok bool) {
	for _, scheme := range []string{"sip:", "sips:"} {
		if hasPrefixFold(s, scheme) {
			s = s[len(scheme):]
			break
		}
	}
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return "", "", "", false
	}
	host, ok := parseHost(s[at+1:])
	if !ok {
		return "", "", "", false
	}
	encoded, _, _ := strings.Cut(s[:at], ":")
	encoded, params, _ = strings.Cut(encoded, ";")
	user, err := url.PathUnescape(encoded)
	if err != nil || encoded == "" || strings.ContainsFunc(encoded, notInUser) {
		return "", "", "", false
	}
	if strings.ContainsFunc(user, mustBeEncoded) {
		return user, params, encoded + "@" + host, true
	}
	return user, params, user + "@" + host, true
}

// notInUser tells characters that never stand in the user part as it is sent.
func notInUser(r rune) bool {
	return r <= ' ' || r == 0x7f || strings.ContainsRune(`@<>"[]`, r)
}

// mustBeEncoded tells characters that would change the meaning of user@host.
func mustBeEncoded(r rune) bool {
	return !isLetterOrDigit(r) && !strings.ContainsRune("-_.!~*'()&=+$,", r)
}

func isLetterOrDigit(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}

// parseHost gives the lower-case host of host:port;params?headers.
func parseHost(s string) (host string, ok bool) {
	if i := strings.IndexAny(s, ";?"); i >= 0 {
		s = s[:i]
	}
	if strings.HasPrefix(s, "[") {
		return parseIPv6(s)
	}
	host, port, found := strings.Cut(s, ":")
	if found && !isPort(port) || !isHostname(host) {
		return "", false
	}
	return strings.ToLower(host), true
}

func parseIPv6(s string) (host string, ok bool) {
	address, rest, found := strings.Cut(s[1:], "]")
	if !found || rest != "" && (rest[0] != ':' || !isPort(rest[1:])) {
		return "", false
	}
	ip, err := netip.ParseAddr(address)
	if err != nil || !ip.Is6() || ip.Zone() != "" {
		return "", false
	}
	return "[" + ip.String() + "]", true
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// isHostname is lenient: labels of letters, digits, hyphens and underscores.
func isHostname(s string) bool {
	return !slices.ContainsFunc(strings.Split(strings.TrimSuffix(s, "."), "."), func(label string) bool {
		return label == "" || strings.ContainsFunc(label, notInLabel)
	})
}

func notInLabel(r rune) bool {
	return !isLetterOrDigit(r) && r != '-' && r != '_'
}
