package outbound

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestGuard(t *testing.T) {
	g := newGuard()
	for _, s := range []string{
		"127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
		"169.254.169.254", "169.254.0.1", "100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "168.63.129.16",
		"224.0.0.1", "255.255.255.255", "240.0.0.1",
		"::", "::1", "::127.0.0.1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
		"64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1", "64:ff9b:1::808:808",
		"2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:4136:e378::1",
	} {
		if g.allows(netip.MustParseAddr(s)) {
			t.Errorf("%s is allowed", s)
		}
	}
	for _, s := range []string{
		"8.8.8.8", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "192.0.1.1", "168.63.129.17",
		"2606:4700::1111", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1",
	} {
		if !g.allows(netip.MustParseAddr(s)) {
			t.Errorf("%s is refused", s)
		}
	}
	if g.allows(netip.Addr{}) {
		t.Error("no address is allowed")
	}
	if g.control(t.Context(), "tcp", "no address", nil) == nil {
		t.Error("what is no address is allowed")
	}
}

// TestDenyPrivateAtDialTime: the name is harmless, the address is not.
func TestDenyPrivateAtDialTime(t *testing.T) {
	server := echo(t)
	port := server.URL[strings.LastIndexByte(server.URL, ':'):]
	c := newClient(t, Transport{DenyPrivate: true}, quick(0))
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		o := c.Do(t.Context(), post("http://"+host+port+"/SECRETPATH"))
		if o.Meaning != Connect && o.Meaning != BreakerOpen {
			t.Errorf("%s: %v %s", host, o.Meaning, o.Detail)
		}
		if host == "127.0.0.1" && !strings.HasSuffix(o.Detail, "127.0.0.1 is not a public address: refused by deny_private") {
			t.Error(o.Detail)
		}
	}
	client, err := Transport{DenyPrivate: true}.HTTPClient(time.Second)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Get(server.URL)
	if err == nil {
		_ = resp.Body.Close()
		t.Error("the plain client dials a private address")
	}
	isMeaning(t, newClient(t, Transport{}, quick(0)).Do(t.Context(), post(server.URL)), Delivered, "delivered")
}

func TestProxyOfTheEnvironment(t *testing.T) {
	for deny, want := range map[bool]bool{false: true, true: false} {
		wire, err := Transport{DenyPrivate: deny}.wire(time.Second)
		if err != nil {
			t.Fatal(err)
		}
		n, ok := wire.(*network)
		if !ok || (n.wire.Proxy != nil) != want {
			t.Errorf("deny_private %v: proxy %v", deny, !want)
		}
	}
}
