package outbound_test

import (
	"testing"

	"github.com/cdrelay/cdrelay/internal/outbound"
)

func TestInTheClear(t *testing.T) {
	for address, want := range map[string]bool{
		"http://crm.example.com/x": true, "HTTP://crm.example.com": true, "http://10.0.0.1:8080/${call.id}": true,
		"https://crm.example.com/x": false, "http://127.0.0.1:9/x": false, "http://127.8.0.1": false,
		"http://[::1]:9/x": false, "http://localhost/${call.id}?x=%": false, "http://LOCALHOST.:80": false,
		"": false, "::": false,
	} {
		if got := outbound.InTheClear(address); got != want {
			t.Errorf("%s: %v", address, got)
		}
	}
}
