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
				Webhook: &webhook.Config{Auth: &webhook.Auth{OAuth2: &webhook.OAuth2{}}},
				Slack:   &slack.Config{Token: secret.New("set")},
			},
			Lane: delivery.Settings{Rate: &delivery.RateSettings{PerSecond: 1}},
		}},
	}.withDefaults()
}

// annotate adds to the schema of a struct what its value and the tags of its
// fields say:
//
//	doc      what the key means, for the operator
//	example  a value, in YAML
//	default  what holds without the key, where no value says it
//	restart  the key is read at the start only
//
// Required keys and enumerations are in the tag of the library.
func annotate(s *jsonschema.Schema, v reflect.Value) error {
	for f, fv := range v.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if options == "inline" {
			if err := annotate(s, fv); err != nil {
				return err
			}
			continue
		}
		key, ok := s.Properties.Get(name)
		if !ok {
			return fmt.Errorf("%s.%s is not in it", v.Type(), f.Name)
		}
		if err := annotateKey(key, f, fv); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if slices.Contains(s.Required, name) {
			key.Default = nil
		}
	}
	return nil
}

func annotateKey(key *jsonschema.Schema, f reflect.StructField, v reflect.Value) error {
	key.Description = f.Tag.Get("doc")
	key.Extras = map[string]any{}
	if f.Tag.Get("restart") != "" {
		key.Extras[restartKeyword] = true
	}
	if text, ok := f.Tag.Lookup("default"); ok {
		key.Extras[defaultKeyword] = text
	} else {
		key.Default = defaultOf(v)
	}
	if text, ok := f.Tag.Lookup("example"); ok {
		var example any
		if err := yaml.Unmarshal([]byte(text), &example); err != nil {
			return fmt.Errorf("example: %w", err)
		}
		key.Examples = []any{example}
	}
	part := innermost(v)
	switch {
	case !isMapping(part):
		return nil // a leaf
	case key.Items != nil:
		return annotate(key.Items, part)
	default:
		return annotate(key, part)
	}
}

// defaultOf gives the value that a key has when it is not set, as it is written
// in YAML; nil where there is none.
func defaultOf(v reflect.Value) any {
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
