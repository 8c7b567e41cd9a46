package config

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/intake"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/sinks/slack"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

// SchemaID names the JSON Schema of the configuration.
const SchemaID = "https://cdrelay.github.io/schema/config.json"

// Schema gives the JSON Schema of the configuration, for editors. It is made
// from the types, so that no key can be missing; what the types do not say,
// such as which keys exclude each other, only Load checks.
func Schema() ([]byte, error) {
	r := jsonschema.Reflector{
		FieldNameTag: "yaml", Mapper: schemaOf, DoNotReference: true,
		RequiredFromJSONSchemaTags: true, BaseSchemaID: SchemaID,
	}
	s := r.Reflect(&Config{})
	s.ID = SchemaID
	s.Title = "cdrelay configuration"
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("schema of the configuration: %w", err)
	}
	return b, nil
}

// schemaOf gives the schema of types that read their own YAML; nil for all
// others.
func schemaOf(t reflect.Type) *jsonschema.Schema {
	text := &jsonschema.Schema{Type: "string"}
	switch t {
	case reflect.TypeFor[time.Duration]():
		return &jsonschema.Schema{Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`, Examples: []any{"10s", "5m", "72h"}}
	case reflect.TypeFor[spool.Bytes]():
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "integer"}, text}, Examples: []any{"512MiB", "4GiB"}}
	case reflect.TypeFor[secret.Value](), reflect.TypeFor[webhook.HeaderValue]():
		return secretSchema()
	case reflect.TypeFor[intake.Secrets](), reflect.TypeFor[webhook.SigningSecrets]():
		one := secretSchema()
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{one, {Type: "array", Items: one}}}
	case reflect.TypeFor[expr.Condition](), reflect.TypeFor[expr.ResponseCondition]():
		return &jsonschema.Schema{Type: "string", Description: "a CEL expression that gives true or false"}
	case reflect.TypeFor[expr.Text]():
		return &jsonschema.Schema{Type: "string", Description: "a text that may hold ${CEL}"}
	case reflect.TypeFor[expr.Tree]():
		return &jsonschema.Schema{Description: "any YAML; its texts may hold ${CEL}"}
	case reflect.TypeFor[slack.Blocks]():
		return &jsonschema.Schema{Type: "array", Description: "Block Kit blocks; their texts may hold ${CEL}"}
	case reflect.TypeFor[intake.Network]():
		return &jsonschema.Schema{Type: "string", Description: "an address or a CIDR", Examples: []any{"203.0.113.0/24"}}
	default:
		return nil
	}
}

// secretSchema is a text, {env: NAME} or {file: PATH}.
func secretSchema() *jsonschema.Schema {
	place := func(key string) *jsonschema.Schema {
		props := jsonschema.NewProperties()
		props.Set(key, &jsonschema.Schema{Type: "string"})
		return &jsonschema.Schema{Type: "object", Properties: props, Required: []string{key}, AdditionalProperties: jsonschema.FalseSchema}
	}
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{
		{Type: "string"}, {Type: "number"}, {Type: "boolean"}, place("env"), place("file"),
	}}
}
