package config_test

import (
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/config"
)

// TestMasked: every place of a secret is masked, places of secrets and all else
// stay.
func TestMasked(t *testing.T) {
	t.Setenv("CDRELAY_TEST_URL", "https://example.com/plant-env")
	const text = `
admin: {token: plant-admin}
sources:
  - {name: a, format: nxcc, auth: {header: {name: token, value: [plant-one, plant-two]}}}
  - {name: b, format: nxcc, auth: {basic: {username: u, password: plant-password}}}
  - {name: c, format: nxcc, auth: {digest: {access_key: k, access_secret: plant-digest}}}
sinks:
  - name: crm
    webhook:
      url: https://example.com/plant-url
      headers: {X-Key: plant-header}
      auth: {oauth2: {token_url: "https://example.com/t", client_id: x, client_secret: plant-client}}
      sign: {standard_webhooks: [whsec_cGxhbnQtc2lnbmluZy1zZWNyZXQtMzItYnl0ZXMh]}
      body: {kept: "${call.id}"}
  - {name: env, webhook: {url: {env: CDRELAY_TEST_URL}}}
  - {name: chat, slack: {webhook_url: "https://hooks.slack.com/plant-slack"}}
  - {name: preset, preset: hubspot, with: {token: plant-token, id_property: kept_property}}
  - {name: section, webhook: {url: "https://example.com/x", with: {a: plant-a, b: {env: CDRELAY_TEST_URL}}}}
rules: [{name: all, to: [crm, env, chat, preset, section]}]
`
	l, err := config.Parse("c.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	masked, err := l.Masked()
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"plant", "cGxhbnQ"} {
		if strings.Contains(string(masked), secret) {
			t.Errorf("a secret is shown:\n%s", masked)
		}
	}
	for _, kept := range []string{"CDRELAY_TEST_URL", "${call.id}", "name: crm", "********", "to: [crm, env, chat, preset, section]", "kept_property"} {
		if !strings.Contains(string(masked), kept) {
			t.Errorf("%q is not shown:\n%s", kept, masked)
		}
	}
}
