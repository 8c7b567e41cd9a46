package intake

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// client returns the address of the sender: the peer, or, when the peer is a
// trusted proxy, the rightmost hop of X-Forwarded-For that is none. When all
// hops are trusted, it is the leftmost. Everything left of the answer was
// written by somebody whom nobody vouches for and is not read.
//
// A hop that is no address, an empty one too, ends the walk with the zero
// address, which no list allows: taking the proxy's own address instead would
// let strangers in wherever the proxy's network is allowed.
func (l networks) client(r *http.Request) netip.Addr {
	hop := parseHop(r.RemoteAddr)
	if !l.contain(hop) {
		return hop
	}
	for _, line := range slices.Backward(r.Header["X-Forwarded-For"]) {
		for rest, more := line, true; more; {
			var last string
			rest, last, more = cutLast(rest)
			hop = parseHop(last)
			if !l.contain(hop) {
				return hop
			}
		}
	}
	return hop
}

// cutLast splits at the last comma.
func cutLast(list string) (rest, last string, more bool) {
	at := strings.LastIndexByte(list, ',')
	if at < 0 {
		return "", list, false
	}
	return list[:at], list[at+1:], true
}

// parseHop reads an address with or without a port, and an IPv6 one with or
// without brackets. A zone names an interface of another machine and is dropped.
func parseHop(text string) netip.Addr {
	text = strings.TrimSpace(text)
	if at, err := netip.ParseAddrPort(text); err == nil {
		return plain(at.Addr())
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if text, ok = strings.CutSuffix(inner, "]"); !ok {
			return netip.Addr{}
		}
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Addr{}
	}
	return plain(addr)
}

func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }
