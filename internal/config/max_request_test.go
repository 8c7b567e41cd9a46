package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/config"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

func TestMaxRequest(t *testing.T) {
	with := func(size string) string {
		return strings.Replace(minimal, "- name: crm", "- name: crm\n    max_request: "+size, 1)
	}
	for _, size := range []string{"100", "65MiB"} {
		if _, err := config.Parse("c.yaml", []byte(with(size))); err == nil || !strings.Contains(err.Error(), "sinks[0].max_request: "+size+" is out of bounds") {
			t.Errorf("%s: %v", size, err)
		}
	}
	raw, err := json.Marshal(map[string]string{"text": strings.Repeat("a", 3000)})
	if err != nil {
		t.Fatal(err)
	}
	record := &call.Record{ID: "dialer:1", Raw: raw}
	for size, fits := range map[string]bool{"2KiB": false, "4KiB": true} {
		l, err := config.Parse("c.yaml", []byte(with(size)))
		if err != nil {
			t.Fatal(err)
		}
		sink, err := l.Sinks[0].Build(contract.Deps{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := first(sink, "msg_1", record); (err == nil) != fits {
			t.Errorf("%s: %v", size, err)
		}
	}
}
