package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/cdrelay/cdrelay/internal/ruletest"
)

// sinkConfig has a secret in every place that takes one; all of them hold
// "plant". SINK is the address of a server.
const sinkConfig = `
sources:
  - {name: dialer, format: infin8linx, region: ID, auth: {query: {name: key, value: door-plant}}}
  - {name: nxlink, format: nxcc, auth: {header: {name: token, value: token-plant}}}
sinks:
  - name: chat
    slack: {webhook_url: SINK/services/T0/B0/slackplant0d86}
  - name: crm
    webhook:
      url: SINK/hook/in-a-path?key=plant-in-a-query
      headers: {X-Api-Key: plant-in-a-header, X-Account: "${call.account}"}
      auth: {basic: {username: ops-plant, password: plant-of-basic}}
      body: {phone: "${call.customer.number}"}
  - name: oauth
    webhook:
      url: SINK/open
      auth: {oauth2: {token_url: SINK/token, client_id: me, client_secret: client-plant}}
      sign: {standard_webhooks: whsec_cGxhbnQtc2lnbmluZy1vZi0zMi1ieXRlcy0xZTc1ISE=}
  - name: fails
    webhook: {url: SINK/fails, auth: {bearer: bearer-plant}, body: {x: "${1 / (call.revision - 1)}"}}
rules:
  - {name: internal calls nowhere, when: call.direction == "internal", stop: true}
  - {name: missed, when: 'call.revision == 1 && !call.answered', to: [chat, crm]}
  - {name: by cause, when: 'call.hangup.q850 == 9999 || call.queue.seconds > 1', to: [crm]}
  - {name: the rest, to: [oauth, fails], stop: true}
  - {name: never reached, to: [crm]}
`

// TestExplainScripts runs the scripts of explain with sinks that would notice a
// request.
func TestExplainScripts(t *testing.T) {
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	t.Cleanup(server.Close)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script-sink",
		Setup: func(env *testscript.Env) error {
			wd, err := os.Getwd()
			if err != nil {
				return err
			}
			env.Setenv("CALLBACKS", wd+"/testdata/callbacks")
			env.Setenv("SINK", server.URL)
			config := strings.ReplaceAll(sinkConfig, "SINK", server.URL)
			return os.WriteFile(filepath.Join(env.WorkDir, "config.yaml"), []byte(config), 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"untouched": func(ts *testscript.TestScript, _ bool, _ []string) {
				if n := requests.Load(); n != 0 {
					ts.Fatalf("%d requests were sent", n)
				}
			},
		},
	})
}

// TestExampleKeepsItsPromises runs the tests that come with the example.
func TestExampleKeepsItsPromises(t *testing.T) {
	files, err := filepath.Glob("../../docs/examples/*.test.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no tests of the example: %v", err)
	}
	var results []ruletest.Result
	failed := false
	for _, file := range files {
		r := ruletest.Run(t.Context(), file, ruletest.Options{Load: loadExplainer})
		failed = failed || r.Failed() || len(r.Cases) < 6
		results = append(results, r)
	}
	if failed {
		var b strings.Builder
		if err := ruletest.Print(&b, results, true); err != nil {
			t.Error(err)
		}
		t.Error(b.String())
	}
}
