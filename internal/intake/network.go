package intake

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Network is a range of addresses, written in YAML as a CIDR or as one address.
type Network struct{ prefix netip.Prefix }

// parseNetwork reads a CIDR or a single address. An IPv4 range written in its
// IPv6-mapped form is taken as IPv4.
func parseNetwork(text string) (Network, error) {
	if !strings.Contains(text, "/") {
		addr, err := netip.ParseAddr(text)
		if err != nil || addr.Zone() != "" {
			return Network{}, fmt.Errorf("%q is not an address: write one like 203.0.113.7, 2001:db8::7 or 203.0.113.0/24", text)
		}
		addr = addr.Unmap()
		return Network{netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return Network{}, fmt.Errorf("%q is not a CIDR: write one like 203.0.113.0/24 or 2001:db8::/32", text)
	}
	if prefix.Masked() != prefix {
		return Network{}, fmt.Errorf("%q has bits beyond its mask: write %s, or the address alone", text, prefix.Masked())
	}
	return Network{unmapped(prefix)}, nil
}

// mappedBits is the length of what precedes a mapped IPv4 address. A mask
// that is shorter cuts into it, and the range is then no mapped one.
const mappedBits = 96

func unmapped(p netip.Prefix) netip.Prefix {
	if !p.Addr().Is4In6() {
		return p
	}
	return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mappedBits)
}

// UnmarshalYAML reads the text; an error names the line.
func (n *Network) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.ScalarNode || node.ShortTag() != "!!str" {
		return lineError(node, "an address or a CIDR is expected, like 203.0.113.0/24")
	}
	parsed, err := parseNetwork(node.Value)
	if err != nil {
		return lineError(node, err.Error())
	}
	*n = parsed
	return nil
}

// String returns the CIDR.
func (n Network) String() string { return n.prefix.String() }

// contains reports whether the address lies in the network. The zero Network and
// the zero Addr match nothing.
func (n Network) contains(addr netip.Addr) bool { return n.prefix.Contains(addr.Unmap()) }

// networks is a list of which any may match.
type networks []Network

func (l networks) contain(addr netip.Addr) bool {
	return slices.ContainsFunc(l, func(n Network) bool { return n.contains(addr) })
}

// lineError has the form that yaml.v3 collects beside all other errors.
func lineError(n *yaml.Node, text string) error {
	return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %s", n.Line, text)}}
}
