package webhook_test

import (
	"bytes"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/contracttest"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

// load reads a configuration as internal/config does: strictly.
func load(text []byte) (webhook.Config, error) {
	var c webhook.Config
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	err := dec.Decode(&c)
	return c, err
}

func TestGolden(t *testing.T) {
	contracttest.Golden(t, func(config []byte) (contract.Sink, error) {
		c, err := load(config)
		if err != nil {
			return nil, err
		}
		return webhook.New(c, contract.Deps{})
	})
}
