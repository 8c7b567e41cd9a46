package slack_test

import (
	"bytes"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/sinks/contract"
	"github.com/cdrelay/cdrelay/sinks/contracttest"
	"github.com/cdrelay/cdrelay/sinks/slack"
)

// load reads a configuration as internal/config does: strictly.
func load(text []byte) (slack.Config, error) {
	var c slack.Config
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
		return slack.New(c, contract.Deps{})
	})
}
