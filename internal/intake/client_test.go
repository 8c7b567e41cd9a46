package intake

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestClient(t *testing.T) {
	proxies := networks{mustNetwork("10.0.0.0/8"), mustNetwork("fd00::/8")}
	tests := []struct {
		name, peer string
		forwarded  []string
		want       string // "" is the unknown client
	}{
		{"direct", "203.0.113.5:4711", nil, "203.0.113.5"},
		{"direct, lies", "203.0.113.5:4711", []string{"198.51.100.1"}, "203.0.113.5"},
		{"direct, mapped", "[::ffff:203.0.113.5]:4711", nil, "203.0.113.5"},
		{"direct, zone", "[fe80::1%eth0]:4711", nil, "fe80::1"},
		{"proxy without the header", "10.0.0.1:1", nil, "10.0.0.1"},
		{"one hop", "10.0.0.1:1", []string{"203.0.113.5"}, "203.0.113.5"},
		{"mapped proxy", "[::ffff:10.0.0.1]:1", []string{"203.0.113.5"}, "203.0.113.5"},
		{"rightmost counts", "10.0.0.1:1", []string{"198.51.100.1, 203.0.113.5"}, "203.0.113.5"},
		{"trusted hops are passed over", "10.0.0.1:1", []string{"198.51.100.1,203.0.113.5 ,10.0.0.2,\tfd00::7"}, "203.0.113.5"},
		{"several headers", "10.0.0.1:1", []string{"198.51.100.1", "203.0.113.5", "10.0.0.2"}, "203.0.113.5"},
		{"several headers with lists", "10.0.0.1:1", []string{"198.51.100.1, 203.0.113.5", "10.0.0.3, 10.0.0.2"}, "203.0.113.5"},
		{"all trusted", "10.0.0.1:1", []string{"10.0.0.9, 10.0.0.2"}, "10.0.0.9"},
		{"with a port", "10.0.0.1:1", []string{"203.0.113.5:51000"}, "203.0.113.5"},
		{"IPv6", "10.0.0.1:1", []string{"2001:db8::1"}, "2001:db8::1"},
		{"IPv6 in brackets", "10.0.0.1:1", []string{"[2001:db8::1]"}, "2001:db8::1"},
		{"IPv6 in brackets with a port", "10.0.0.1:1", []string{"[2001:db8::1]:443"}, "2001:db8::1"},
		{"mapped hop that is a proxy", "10.0.0.1:1", []string{"203.0.113.5, ::ffff:10.0.0.2"}, "203.0.113.5"},
		{"garbage left of the client", "10.0.0.1:1", []string{"<script>, 203.0.113.5"}, "203.0.113.5"},
		{"garbage from a proxy", "10.0.0.1:1", []string{"203.0.113.5, unknown"}, ""},
		{"garbage between proxies", "10.0.0.1:1", []string{"203.0.113.5, unknown, 10.0.0.2"}, ""},
		{"empty hop", "10.0.0.1:1", []string{"203.0.113.5, , 10.0.0.2"}, ""},
		{"empty header", "10.0.0.1:1", []string{""}, ""},
		{"half a bracket", "10.0.0.1:1", []string{"[2001:db8::1"}, ""},
		{"no peer", "@", []string{"203.0.113.5"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{"X-Forwarded-For": tt.forwarded}}
			var want netip.Addr
			if tt.want != "" {
				want = netip.MustParseAddr(tt.want)
			}
			if got := proxies.client(r); got != want {
				t.Errorf("client = %v, want %v", got, want)
			}
		})
	}
}

func TestUnknownClientIsAllowedNowhere(t *testing.T) {
	f := newFixture(t)
	c := testConfig(SourceConfig{Name: "a", Auth: Auth{Allow: []Network{mustNetwork("0.0.0.0/0"), mustNetwork("::/0")}}})
	c.TrustedProxies = []Network{mustNetwork("192.0.2.0/24")}
	if err := f.update(c); err != nil {
		t.Fatal(err)
	}
	for forwarded, want := range map[string]int{"nonsense": 403, "203.0.113.5": 200} {
		if res, _ := f.do(t, post(callJSON("1"), header("X-Forwarded-For", forwarded))); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", forwarded, res.StatusCode, want)
		}
	}
}

// FuzzClient holds the one rule that matters: what a sender writes before the
// trusted part of the header never becomes the client.
func FuzzClient(f *testing.F) {
	f.Add("198.51.100.1")
	f.Add("10.0.0.1, ,[::1]:x,")
	f.Add(strings.Repeat(",", 100))
	f.Fuzz(func(t *testing.T, written string) {
		proxies := networks{mustNetwork("10.0.0.0/8")}
		r := &http.Request{RemoteAddr: "10.0.0.1:1", Header: http.Header{"X-Forwarded-For": {written + ", 203.0.113.5, 10.0.0.2"}}}
		if got := proxies.client(r).String(); got != "203.0.113.5" {
			t.Fatalf("client = %s", got)
		}
		r.Header["X-Forwarded-For"] = []string{written}
		if got := proxies.client(r); got.Is4In6() || got.Zone() != "" {
			t.Fatalf("client = %v", got)
		}
	})
}
