package admin

import (
	"cmp"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/cdrelay/cdrelay/internal/listen"
)

// Config is what the `admin:` part of the configuration says.
type Config struct {
	// Listen is host:port.
	Listen string
	// Token opens the API; nil or an absent one means that the API is served on
	// loopback only.
	Token Token
}

// Token is a secret that can be compared and not read.
type Token interface {
	// IsZero reports whether the token is absent.
	IsZero() bool
	// Equal compares in constant time.
	Equal(text string) bool
}

// defaultListen is where the private listener is unless configured.
const defaultListen = "127.0.0.1:8081"

// WithDefaults fills what was not set.
func (c Config) WithDefaults() Config {
	c.Listen = cmp.Or(c.Listen, defaultListen)
	return c
}

// Validate reports what cannot work, by the YAML path of the key.
func (c Config) Validate(report func(path, problem string)) {
	if !listen.IsAddress(c.Listen) {
		report("listen", fmt.Sprintf("%q is not an address to listen on: write 127.0.0.1:8081 or :8081", c.Listen))
	}
}

// guarded reports whether there is a token.
func (c Config) guarded() bool { return c.Token != nil && !c.Token.IsZero() }

// Exposed reports whether other machines can reach the listener and there is no
// token.
func (c Config) Exposed() bool { return !c.guarded() && c.BeyondLoopback() }

// BeyondLoopback reports whether other machines can reach the listener.
func (c Config) BeyondLoopback() bool { return !loopback(c.Listen) }

// loopback reports whether an address with a port is one of this machine alone.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		host = address
	}
	if strings.EqualFold(strings.TrimSuffix(host, "."), "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
