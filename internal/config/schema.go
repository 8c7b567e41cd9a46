package config

import (
	"fmt"
	"reflect"
	"time"

	"github.com/invopop/jsonschema"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/intake"
	"github.com/cdrelay/cdrelay/internal/plainjson"
	"github.com/cdrelay/cdrelay/internal/spool"
	"github.com/cdrelay/cdrelay/sinks"
	"github.com/cdrelay/cdrelay/sinks/presets"
	"github.com/cdrelay/cdrelay/sinks/slack"
	"github.com/cdrelay/cdrelay/sinks/webhook"
)

// SchemaID names the JSON Schema of the configuration.
const SchemaID = "https://cdrelay.github.io/schema/config.json"

// The keywords of ours in the schema. The first is a default that is no value,
// such as "the call record"; the second marks what is read at the start only.
const (
	defaultKeyword = "x-default"
	restartKeyword = "x-needs-restart"
)

// Schema returns the JSON Schema of the configuration, for editors and for
// docs/configuration.md. It is made from the types, their tags and what
// withDefaults fills in, so that no key can be missing and no default be wrong;
// what the types do not say, such as which keys exclude each other, only Load
// checks.
func Schema() ([]byte, error) {
	r := jsonschema.Reflector{
		FieldNameTag: "yaml", Mapper: schemaOf, DoNotReference: true,
		RequiredFromJSONSchemaTags: true, BaseSchemaID: SchemaID,
	}
	s := r.Reflect(&Config{})
	s.ID = SchemaID
	s.Title = "cdrelay configuration"
	if err := allKeys().annotate(s); err != nil {
		return nil, fmt.Errorf("schema of the configuration: %w", err)
	}
	b, err := plainjson.Indented(s)
	if err != nil {
		return nil, fmt.Errorf("schema of the configuration: %w", err)
	}
	return b, nil
}

// schemaOf returns the schema of types that read their own YAML; nil for all
// others.
func schemaOf(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return &jsonschema.Schema{Title: "duration", Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`}
	case reflect.TypeFor[spool.Bytes]():
		return &jsonschema.Schema{Title: "size", OneOf: []*jsonschema.Schema{{Type: "integer"}, {Type: "string"}}}
	case reflect.TypeFor[webhook.Value]():
		return secretSchema("template or secret")
	case reflect.TypeFor[expr.Condition](), reflect.TypeFor[expr.ResponseCondition]():
		return &jsonschema.Schema{Title: "condition", Type: "string"}
	case reflect.TypeFor[expr.ResponseWait]():
		return &jsonschema.Schema{Title: "expression", Type: "string"}
	case reflect.TypeFor[expr.Text]():
		return &jsonschema.Schema{Title: "template", Type: "string"}
	case reflect.TypeFor[webhook.Body]():
		return &jsonschema.Schema{Title: "tree of templates"}
	case reflect.TypeFor[webhook.Let]():
		return &jsonschema.Schema{Title: "expressions", Type: "object", AdditionalProperties: &jsonschema.Schema{Type: "string"}}
	case reflect.TypeFor[webhook.With]():
		return &jsonschema.Schema{Title: "parameters", Type: "object"}
	case reflect.TypeFor[sinks.Preset]():
		return &jsonschema.Schema{Title: "name of a preset", Type: "string", Enum: presetNames()}
	case reflect.TypeFor[slack.Blocks]():
		return &jsonschema.Schema{Title: "list of templates", Type: "array"}
	case reflect.TypeFor[intake.Network]():
		return &jsonschema.Schema{Title: "address or CIDR", Type: "string"}
	}
	switch {
	case !isSecret(t):
		return nil
	case t.Kind() == reflect.Slice:
		one := secretSchema("secret")
		return &jsonschema.Schema{Title: "secret, or list of secrets", AnyOf: []*jsonschema.Schema{one, {Type: "array", Items: one}}}
	default:
		return secretSchema("secret")
	}
}

// secretSchema is a text, {env: NAME} or {file: PATH}.
func secretSchema(title string) *jsonschema.Schema {
	place := func(key string) *jsonschema.Schema {
		props := jsonschema.NewProperties()
		props.Set(key, &jsonschema.Schema{Type: "string"})
		return &jsonschema.Schema{Type: "object", Properties: props, Required: []string{key}, AdditionalProperties: jsonschema.FalseSchema}
	}
	return &jsonschema.Schema{Title: title, OneOf: []*jsonschema.Schema{
		{Type: "string"}, {Type: "number"}, {Type: "boolean"}, place("env"), place("file"),
	}}
}

func presetNames() []any {
	var names []any
	for _, name := range presets.Names() {
		names = append(names, name)
	}
	return names
}
