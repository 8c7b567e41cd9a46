package slack

import "github.com/cdrelay/cdrelay/internal/outbound"

// Warn reports what works but is probably not meant, with the path of its key.
func (c Config) Warn(report func(path, warning string)) {
	for path, address := range map[string]string{"webhook_url": c.WebhookURL.Reveal(), "api_url": c.APIURL} {
		if outbound.InTheClear(address) {
			report(path, "credentials go over plain http, where everybody on the way can read them: write https")
		}
	}
}
