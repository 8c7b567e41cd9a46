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
	if sinks, ok := s.Properties.Get("sinks"); ok {
		if err := describeParameters(sinks.Items); err != nil {
			return nil, fmt.Errorf("schema of the configuration: %w", err)
		}
	}
	b, err := plainjson.Indented(s)
	if err != nil {
		return nil, fmt.Errorf("schema of the configuration: %w", err)
	}
	return b, nil
}

// ownYAML are the schemas of types that read their own YAML.
//
//nolint:gochecknoglobals // a table
var ownYAML = map[reflect.Type]jsonschema.Schema{
	reflect.TypeFor[time.Duration]():          {Title: "duration", Type: "string", Pattern: `^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`},
	reflect.TypeFor[spool.Bytes]():            {Title: "size", OneOf: []*jsonschema.Schema{{Type: "integer"}, {Type: "string"}}},
	reflect.TypeFor[webhook.Value]():          *secretSchema("template or secret"),
	reflect.TypeFor[expr.Condition]():         {Title: "condition", Type: "string"},
	reflect.TypeFor[expr.ResponseCondition](): {Title: "condition", Type: "string"},
	reflect.TypeFor[expr.Guard]():             {Title: "condition", Type: "string"},
	reflect.TypeFor[expr.ResponseWait]():      {Title: "expression", Type: "string"},
	reflect.TypeFor[expr.ResponseResult]():    {Title: "expression", Type: "string"},
	reflect.TypeFor[expr.Text]():              {Title: "template", Type: "string"},
	reflect.TypeFor[webhook.Body]():           {Title: "tree of templates"},
	reflect.TypeFor[webhook.Let]():            {Title: "expressions", Type: "object", AdditionalProperties: &jsonschema.Schema{Type: "string"}},
	reflect.TypeFor[webhook.With]():           {Title: "parameters", Type: "object"},
	reflect.TypeFor[sinks.Preset]():           {Title: "name of a preset", Type: "string", Enum: presetNames()},
	reflect.TypeFor[slack.Blocks]():           {Title: "list of templates", Type: "array"},
	reflect.TypeFor[intake.Network]():         {Title: "address or CIDR", Type: "string"},
}

// schemaOf returns a schema of their own for such types and for secrets; nil for all
// others.
func schemaOf(t reflect.Type) *jsonschema.Schema {
	if own, ok := ownYAML[t]; ok {
		return &own
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
