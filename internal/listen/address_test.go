package listen

import "testing"

func TestIsAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		":8080":           true,
		"127.0.0.1:0":     true,
		"[::1]:8081":      true,
		"localhost:65535": true,
		":http":           true,
		"":                false,
		"8080":            false,
		"localhost":       false,
		":":               false,
		":99999":          false,
		":-1":             false,
		"::1:8080":        false,
	} {
		if got := IsAddress(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}
