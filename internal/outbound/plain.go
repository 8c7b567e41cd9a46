package outbound

import (
	"net/netip"
	"net/url"
	"strings"
)

// InTheClear reports whether a request to an address can be read on its way: over
// plain http, and beyond this machine.
func InTheClear(address string) bool {
	// A template may follow in path or query; the authority is fixed.
	address, _, _ = strings.Cut(address, "${")
	u, err := url.Parse(address)
	if err != nil || !strings.EqualFold(u.Scheme, "http") {
		return false
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	ip, err := netip.ParseAddr(host)
	return host != "localhost" && (err != nil || !ip.Unmap().IsLoopback())
}
