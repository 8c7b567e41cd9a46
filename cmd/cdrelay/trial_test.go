package main

import (
	"encoding/json"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/operate"
)

// TestTrialCallbacks: the test callback of each source is taken, with any kind of door, by
// a shell that has the variables that the command names.
func TestTrialCallbacks(t *testing.T) {
	for _, tool := range []string{"sh", "curl", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("DID NOT RUN: the test callbacks are for a shell with curl and openssl: %v", err)
		}
	}
	secrets := map[string]string{"A_TOKEN": `s3cret "$x' \`, "A_KEY": "acc3ss-k3y", "A_PASS": "p4ssword"}
	for name, value := range secrets {
		t.Setenv(name, value)
	}
	config := configure(t, `
  - {name: header, format: nxcc, auth: {header: {name: token, value: {env: A_TOKEN}}}}
  - {name: query, format: infin8linx, region: ID, auth: {query: {name: key, value: {env: A_KEY}}}}
  - {name: basic, format: nxcc, auth: {basic: {username: platform, password: {env: A_PASS}}}}
  - {name: bearer, format: nxcc, auth: {bearer: {env: A_PASS}}}
  - {name: digest, format: nxcc, auth: {digest: {access_key: {env: A_KEY}, access_secret: {env: A_TOKEN}}}}
  - {name: signed-dialer, format: infin8linx, region: ID, auth: {digest: {access_key: {env: A_KEY}, access_secret: {env: A_PASS}}}}
  - {name: open, format: nxcc, auth: {allow: [127.0.0.0/8]}}
sinks: []
rules: []
`)
	s := start(t, config)
	var page operate.Page[operate.Source]
	out, err := exec.Command("cdrelay", "sources", "list", "--admin", s.admin, "-o", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		var one operate.Source
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		page.Items = append(page.Items, one)
	}
	tried := 0
	for _, source := range page.Items {
		if source.Name == "dialer" || source.Name == "nxlink" { // their secrets stand in the configuration
			continue
		}
		tried++
		for _, want := range []string{`"status":"accepted"`, `"status":"duplicate"`} {
			cmd := exec.Command("sh", "-c", source.Test.Command)
			cmd.Env = os.Environ()
			if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), want) {
				t.Errorf("%s: %v %s, want %s\n%s", source.Name, err, out, want, source.Test.Command)
			}
		}
		for _, value := range secrets {
			if strings.Contains(source.Test.Command, value) {
				t.Errorf("%s: the command holds a secret: %s", source.Name, source.Test.Command)
			}
		}
		if u, err := url.Parse(source.Test.URL); err != nil || u.Path != source.Path {
			t.Errorf("%s: %s", source.Name, source.Test.URL)
		}
	}
	if tried != 7 {
		t.Errorf("%d sources were tried", tried)
	}
}
