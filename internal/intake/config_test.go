package intake

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/adapter/nxcc"
	"github.com/cdrelay/cdrelay/internal/call"
)

func formats() []call.Format {
	return []call.Format{{Name: "infin8linx"}, {Name: "nxcc", Signature: nxcc.Digest}}
}

// load reads sources as internal/config does.
func load(text string) ([]SourceConfig, error) {
	var sources []SourceConfig
	dec := yaml.NewDecoder(strings.NewReader(text))
	dec.KnownFields(true)
	err := dec.Decode(&sources)
	for i := range sources {
		sources[i] = sources[i].WithDefaults()
	}
	return sources, err
}

func problems(sources []SourceConfig) []string {
	var all []string
	ValidateSources(sources, formats(), func(path, problem string) { all = append(all, path+": "+problem) })
	return all
}

func TestSourcesOfTheDesign(t *testing.T) {
	t.Setenv("DIALER_KEY", "dk")
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	sources, err := load(fmt.Sprintf(`
- name: dialer
  format: infin8linx
  path: /cb/dialer
  timezone: Asia/Shanghai
  region: ID
  numbers: international
  auth:
    query: {name: key, value: {env: DIALER_KEY}}
    allow: [203.0.113.0/24, 2001:db8::1, "::ffff:198.51.100.0/120"]
  respond: "1"
- name: nxlink
  format: nxcc
  region: HK
  auth:
    header: {name: token, value: [{file: %q}, plain]}
- {name: signed, format: nxcc, auth: {digest: {access_key: ak, access_secret: as, tolerance: 90s}}}
- {name: signed-2, format: nxcc, auth: {digest: {access_key: ak, access_secret: [a, b]}}}
- {name: basic, format: nxcc, auth: {basic: {username: u, password: p}}}
- {name: bearer, format: nxcc, auth: {bearer: [a, {env: DIALER_KEY}]}}
- {name: anybody, format: nxcc, auth: {open: true}}
- {name: allowed, format: nxcc, auth: {allow: [127.0.0.1]}}
`, file))
	if err != nil {
		t.Fatal(err)
	}
	if got := problems(sources); got != nil {
		t.Errorf("problems: %q", got)
	}
	d, n := sources[0], sources[1]
	if d.Path != "/cb/dialer" || n.Path != "/callbacks/nxlink" || d.Numbers != call.International || d.Respond != "1" {
		t.Errorf("dialer %+v, nxlink %+v", d, n)
	}
	if !d.Auth.Query.Value.Equal("dk") || !n.Auth.Header.Value.Equal("from-file") || !n.Auth.Header.Value.Equal("plain") {
		t.Error("secrets were not read")
	}
	if got := fmt.Sprint(d.Auth.Allow); got != "[203.0.113.0/24 2001:db8::1/128 198.51.100.0/24]" {
		t.Errorf("allow = %s", got)
	}
	if sources[2].Auth.Digest.Tolerance != 90*time.Second || sources[3].Auth.Digest.Tolerance != time.Minute {
		t.Error("tolerance")
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v", sources, sources, sources), marshal(t, sources)} {
		if strings.Contains(text, "dk") || strings.Contains(text, "from-file") || strings.Contains(text, "plain") {
			t.Error("a secret is printed")
		}
	}
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	b, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestErrorsOfTheFile wants every error of the file, each with its line.
func TestErrorsOfTheFile(t *testing.T) {
	_, err := load(`- name: a
  auth:
    header: {name: token, value: {env: CDRELAY_TEST_UNSET}}
    allow:
      - 203.0.113.7/24
      - example.com
      - 10.0.0.0/33
      - fe80::1%eth0
      - [x]
      - 7
      - ::ffff:0:0/90
- name: b
  auth:
    bearer: []
    digest:
      access_key: [{envv: X}, {file: /nowhere/at/all}]
      tolerance: 60
      misspelt: 1
`)
	var te *yaml.TypeError
	if !errors.As(err, &te) {
		t.Fatalf("error %v", err)
	}
	for _, want := range []string{
		"line 3: environment variable CDRELAY_TEST_UNSET", "line 5: \"203.0.113.7/24\" has bits beyond its mask: write 203.0.113.0/24",
		"line 6: \"example.com\" is not an address", "line 7: \"10.0.0.0/33\" is not a CIDR", "line 8: \"fe80::1%eth0\" is not an address",
		"line 9: an address or a CIDR", "line 10: an address or a CIDR", "line 11: \"::ffff:0:0/90\" has bits beyond",
		"line 14: the list of secrets is empty", "line 16: unknown key in a secret's mapping", "line 16: secret file", "line 17:", "line 18: field misspelt not found",
	} {
		if !strings.Contains(strings.Join(te.Errors, "\n"), want) {
			t.Errorf("no error %q in:\n%s", want, strings.Join(te.Errors, "\n"))
		}
	}
}

func TestValidate(t *testing.T) {
	good := "name: a\n  format: nxcc\n  auth: {open: true}\n"
	tests := []struct {
		name, yaml string
		want       []string // the beginning of each problem
	}{
		{"good", good, nil},
		{"nothing", "respond: x", []string{"[0].name: \"\" is not a name: write 1 to 63", "[0].format: unknown format \"\": use one of infin8linx, nxcc", "[0].auth: nothing says who may post here"}},
		{"name", "name: A_b\n  format: nxcc\n  path: /x\n  auth: {open: true}", []string{"[0].name: \"A_b\" is not a name"}},
		{"long name", "name: " + strings.Repeat("a", 64) + "\n  format: nxcc\n  auth: {open: true}", []string{"[0].name: \"aaaaa"}},
		{"path without slash", good + "  path: x", []string{"[0].path: \"x\" does not begin with /"}},
		{"path with a query", good + "  path: /x?y", []string{"[0].path: a query, fragment, space or escape cannot stand in a path"}},
		{"path with an escape", good + "  path: /%41", []string{"[0].path: a query, fragment, space or escape cannot stand in a path"}},
		{"unclean path", good + "  path: /x/../y/", []string{"[0].path: the path is not clean: write /y"}},
		{"zone", good + "  timezone: Asia/Atlantis", []string{"[0].timezone: unknown time zone"}},
		{"local zone", good + "  timezone: Local", []string{"[0].timezone: \"Local\" is the machine's own zone"}},
		{"region", good + "  region: Indonesia", []string{"[0].region: \"Indonesia\" is not a country"}},
		{"charset", good + "  charset: klingon", []string{"[0].charset: unknown character set \"klingon\": write a name of the web"}},
		{"volatile", good + "  volatile: [pushCount, \" \"]", []string{"[0].volatile[1]: is empty: write the name of a field"}},
		{"numbers", good + "  numbers: local", []string{"[0].numbers: \"local\" is not a reading"}},
		{"no auth", "name: a\n  format: nxcc", []string{"[0].auth: nothing says who"}},
		{"open: false", "name: a\n  format: nxcc\n  auth: {open: false}", []string{"[0].auth: nothing says who"}},
		{"two kinds", "name: a\n  format: nxcc\n  auth: {bearer: x, open: true}", []string{"[0].auth.open: beside bearer"}},
		{"empty allow", "name: a\n  format: nxcc\n  auth: {allow: []}", []string{"[0].auth.allow: an empty list allows nobody"}},
		{"header", "name: a\n  format: nxcc\n  auth: {header: {name: a b}}", []string{"[0].auth.header.value: a secret is missing", "[0].auth.header.name: \"a b\" is not a header"}},
		{"host header", "name: a\n  format: nxcc\n  auth: {header: {name: host, value: x}}", []string{"[0].auth.header.name: \"host\" is not a header"}},
		{"query", "name: a\n  format: nxcc\n  auth: {query: {value: [a, \"\"]}}", []string{"[0].auth.query.value: a secret is missing", "[0].auth.query.name: is missing: write the name"}},
		{"basic", "name: a\n  format: nxcc\n  auth: {basic: {username: \"a:b\"}}", []string{"[0].auth.basic.username: \"a:b\" is not a user name", "[0].auth.basic.password: a secret"}},
		{"digest", "name: a\n  format: nxcc\n  auth: {digest: {tolerance: -1s}}", []string{"[0].auth.digest.access_key: a secret", "[0].auth.digest.access_secret: a secret", "[0].auth.digest.tolerance: -1s is out of range: write 1ms"}},
		{"digest of a format without", "name: a\n  format: infin8linx\n  auth: {digest: {access_key: x, access_secret: y}}", []string{"[0].auth.digest: the format's callbacks are not signed"}},
		{"twice", good + "- " + good, []string{"[1].name: the name a stands at source 1 already", "[1].path: the path /callbacks/a is that of source a already"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sources, err := load("- " + tt.yaml)
			if err != nil {
				t.Fatal(err)
			}
			got := problems(sources)
			for i := range got {
				if i < len(tt.want) && strings.HasPrefix(got[i], tt.want[i]) {
					got[i] = tt.want[i]
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWithDefaultsLeavesTheOriginal(t *testing.T) {
	c := SourceConfig{Name: "a", Auth: Auth{Digest: &Digest{}}}
	if c.WithDefaults(); c.Auth.Digest.Tolerance != 0 || c.Path != "" {
		t.Errorf("the original changed: %+v", c)
	}
}

func TestServerConfig(t *testing.T) {
	dir := t.TempDir()
	cert, key := writePair(t, dir, "one")
	tests := []struct {
		name string
		c    ServerConfig
		want string
	}{
		{"default", ServerConfig{}, ""},
		{"tls", ServerConfig{TLS: &TLSFiles{Cert: cert, Key: key}}, ""},
		{"no port", ServerConfig{Listen: "localhost"}, "listen: "},
		{"no key", ServerConfig{TLS: &TLSFiles{Cert: cert}}, "tls.key: "},
		{"no cert", ServerConfig{TLS: &TLSFiles{Key: key}}, "tls.cert: "},
		{"no file", ServerConfig{TLS: &TLSFiles{Cert: cert + "x", Key: key}}, "tls.cert: tls certificate"},
		{"swapped", ServerConfig{TLS: &TLSFiles{Cert: key, Key: cert}}, "tls.cert: tls certificate"},
	}
	for _, tt := range tests {
		var got bytes.Buffer
		tt.c.WithDefaults().Validate(func(path, problem string) { fmt.Fprintf(&got, "%s: %s", path, problem) })
		if (got.Len() > 0) != (tt.want != "") || !strings.HasPrefix(got.String(), tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, &got, tt.want)
		}
	}
}
