package spelling_test

import (
	"testing"

	"github.com/cdrelay/cdrelay/internal/spelling"
)

func TestNearest(t *testing.T) {
	known := []string{"webhook", "slack", "timeout", "quick_tries", "webhook_url", "to", "when"}
	for name, want := range map[string]string{
		"webhok": "webhook", "Webhook": "webhook", "quicktries": "quick_tries", "quick-tries": "quick_tries",
		"tiemout": "timeout", "timeouts": "timeout", "webhook_uri": "webhook_url", "too": "to", "wen": "when", "ot": "",
		"xyz": "", "": "", "colour": "",
	} {
		if got, ok := spelling.Nearest(name, known); got != want || ok != (want != "") {
			t.Errorf("%s: %q", name, got)
		}
	}
}
