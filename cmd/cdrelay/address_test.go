package main

import "testing"

func TestURLOfListener(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:8081": "http://127.0.0.1:8081", ":9000": "http://127.0.0.1:9000", "0.0.0.0:9000": "http://127.0.0.1:9000", "[::]:9000": "http://[::1]:9000",
		"[::1]:9000": "http://[::1]:9000", "relay.internal:80": "http://relay.internal:80", "127.0.0.1:0": "", "8081": "", "": "",
	} {
		if got, err := urlOf(listen); got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v, want %q", listen, got, err, want)
		}
	}
}
