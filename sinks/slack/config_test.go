package slack_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/slack"
)

// Each case gives the beginning of every problem, path included.
func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name, yaml string
		want       []string
	}{
		{"webhook", "webhook_url: https://hooks.slack.com/services/T/B/x", nil},
		{"stand-in", "webhook_url: http://127.0.0.1:9/x", nil},
		{"token", "{token: xoxb-1, channel: C1}", nil},
		{"nothing", "text: hello", []string{": has no address: write webhook_url, or token and channel"}},
		{"both", "{webhook_url: 'https://a.example/x', token: xoxb-1, channel: C1}", []string{"webhook_url: stands beside token"}},
		{"token alone", "token: xoxb-1", []string{"token: has no channel"}},
		{"channel alone", "channel: C1", []string{"channel: has no token"}},
		{"channel beside a webhook", "{webhook_url: 'https://a.example/x', channel: C1}", []string{"webhook_url: stands beside token"}},
		{"no URL", "webhook_url: planted", []string{"webhook_url: does not begin with https://"}},
		{"no host", "webhook_url: 'https:///planted'", []string{"webhook_url: has no host"}},
		{"broken URL", "webhook_url: 'https://a.example/%zzplanted'", []string{"webhook_url: is not a URL"}},
		{"api_url", "{token: xoxb-1, channel: C1, api_url: ftp://a.example}", []string{"api_url: does not begin"}},
		{"api_url of a webhook", "{webhook_url: 'https://a.example/x', api_url: 'https://b.example'}", []string{"api_url: has no token beside it"}},
		{"tls", "{webhook_url: 'https://a.example/x', tls: {key: x.pem}}", []string{"tls.cert: "}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := load([]byte(test.yaml))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			c.Validate(func(path, problem string) { got = append(got, path+": "+problem) })
			slices.Sort(got)
			if len(got) != len(test.want) {
				t.Fatalf("problems %q, want %q", got, test.want)
			}
			for i, want := range test.want {
				if !strings.HasPrefix(got[i], want) || strings.Contains(got[i], "planted") {
					t.Errorf("problem %q, want %q", got[i], want)
				}
			}
			if _, err := slack.New(c, contract.Deps{}); (err != nil) != (len(test.want) > 0) {
				t.Errorf("New: %v", err)
			}
		})
	}
}

func TestDecodeErrors(t *testing.T) {
	for text, line := range map[string]string{
		"\nblocks: {type: divider}":                "line 2: blocks is a list",
		"\nblocks: []":                             "line 2: blocks is a list",
		"\nblocks:\n  - {text: '${call.nope}'}":    "line 3: ",
		"\ntext: '${call.nope}'":                   "line 2: ",
		"token: {env: CDRELAY_TEST_NOT_SET}":       "line 1: ",
		"webhook: https://hooks.slack.com/wrong\n": "line 1: ",
	} {
		_, err := load([]byte(text))
		var all *yaml.TypeError
		if !errors.As(err, &all) || !strings.HasPrefix(all.Errors[0], line) {
			t.Errorf("%q: %v, want %q", text, err, line)
		}
	}
}
