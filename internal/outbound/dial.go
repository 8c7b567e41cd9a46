package outbound

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// newDialer dials within the timeout. With denyPrivate each address is checked
// after the name was resolved, at the moment of the connection, so that a name
// that resolves differently the second time gains nothing.
func newDialer(timeout time.Duration, denyPrivate bool) *net.Dialer {
	d := &net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second}
	if denyPrivate {
		d.ControlContext = newGuard().control
	}
	return d
}

// guard knows the addresses that deny_private refuses.
type guard struct {
	denied []netip.Prefix
	// carriers are IPv6 prefixes that carry an IPv4 address in the four bytes
	// from the given offset on; the address inside decides.
	carriers map[netip.Prefix]int
}

func newGuard() *guard {
	g := &guard{carriers: map[netip.Prefix]int{
		netip.MustParsePrefix("64:ff9b::/96"): 12, // NAT64
		netip.MustParsePrefix("2002::/16"):    2,  // 6to4
	}}
	for _, p := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
		"192.0.0.0/24", "192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/4", "240.0.0.0/4",
		"168.63.129.16/32", // Azure's metadata and agent service, on a public address
		"::/96",            // unspecified, loopback, IPv4-compatible
		"64:ff9b:1::/48",   // NAT64 for local use
		"2001::/32",        // Teredo
		"fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
	} {
		g.denied = append(g.denied, netip.MustParsePrefix(p))
	}
	return g
}

func (g *guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("deny_private: %s is no address: refused", address)
	}
	if !g.allows(at.Addr()) {
		return fmt.Errorf("%s is not a public address: refused by deny_private", at.Addr())
	}
	return nil
}

func (g *guard) allows(a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	for prefix, offset := range g.carriers {
		if prefix.Contains(a) {
			bytes := a.As16()
			return g.allows(netip.AddrFrom4([4]byte(bytes[offset : offset+4])))
		}
	}
	return a.IsValid() && !slices.ContainsFunc(g.denied, func(p netip.Prefix) bool { return p.Contains(a) })
}
