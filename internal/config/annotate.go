package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/invopop/jsonschema"
	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/delivery"
	"github.com/cdrelay/cdrelay/internal/intake"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/internal/tracing"
	"github.com/cdrelay/cdrelay/sinks"
	"github.com/cdrelay/cdrelay/sinks/slack"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

// unset is a configuration in which every part is there and no key is set, with
// the defaults filled in. What is set here is what a default waits for.
func unset() Config {
	return Config{
		ServerConfig: intake.ServerConfig{TLS: &intake.TLSFiles{}},
		Tracing:      tracing.Config{Endpoint: "set"},
		Sources:      []intake.SourceConfig{{Auth: intake.Auth{Digest: &intake.Digest{}}}},
		Sinks: []Sink{{
			Config: sinks.Config{
				Webhook: &webhook.Config{Request: webhook.Request{Auth: &webhook.Auth{OAuth2: &webhook.OAuth2{}}}},
				Slack:   &slack.Config{Token: secret.New("set")},
			},
			Lane: delivery.Settings{Rate: &outbound.Rate{PerSecond: 1}},
		}},
	}.withDefaults()
}

// annotate adds to the schema of a mapping what its keys say, by their values and the
// tags of their fields:
//
//	doc      what the key means, for the operator
//	example  a value, in YAML
//	default  what holds without the key, where no value says it
//	restart  the key is read at the start only
//
// Required keys and enumerations are in the tag of the library.
func (k *key) annotate(s *jsonschema.Schema) error {
	for _, child := range k.keys {
		property, ok := s.Properties.Get(child.name)
		if !ok {
			return fmt.Errorf("%s of %s is not in it", child.name, k.typ())
		}
		if err := child.describe(property); err != nil {
			return fmt.Errorf("%s: %w", child.name, err)
		}
		if slices.Contains(s.Required, child.name) {
			property.Default = nil
		}
	}
	return nil
}

func (k *key) describe(s *jsonschema.Schema) error {
	s.Description = k.tag.Get("doc")
	s.Extras = map[string]any{}
	if k.tag.Get("restart") != "" {
		s.Extras[restartKeyword] = true
	}
	if text, ok := k.tag.Lookup("default"); ok {
		s.Extras[defaultKeyword] = text
	} else {
		s.Default = k.defaultValue()
	}
	if text, ok := k.tag.Lookup("example"); ok {
		var example any
		if err := yaml.Unmarshal([]byte(text), &example); err != nil {
			return fmt.Errorf("example: %w", err)
		}
		s.Examples = []any{example}
	}
	if k.item != nil && s.Items != nil {
		return k.item.annotate(s.Items)
	}
	return k.annotate(s)
}

// defaultValue is the value of a key that is not set, as it is written in YAML; nil
// where there is none.
func (k *key) defaultValue() any {
	v := k.unset
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	switch value := v.Interface().(type) {
	case time.Duration:
		return shortDuration(value)
	case spool.Bytes:
		return value.String()
	case bool:
		return value
	}
	switch v.Kind() { //nolint:exhaustive // all others have no default that is a value
	case reflect.String, reflect.Int, reflect.Float64:
		if !v.IsZero() {
			return v.Interface()
		}
	}
	return nil
}

// shortDuration leaves out the zeros at the end: 72h, not 72h0m0s.
func shortDuration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = text[:len(text)-2]
		}
	}
	return text
}
