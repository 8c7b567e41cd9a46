package config

import (
	"github.com/invopop/jsonschema"

	"github.com/cdrelay/cdrelay/sinks/presets"
)

// describeParameters adds to the schema of a sink what `with` holds for each preset, so
// that an editor knows its parameters.
func describeParameters(sink *jsonschema.Schema) error {
	all, err := presets.All()
	if err != nil {
		return err
	}
	for _, p := range all {
		with := &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties(), AdditionalProperties: jsonschema.FalseSchema}
		for _, one := range p.Parameters {
			s, err := parameterSchema(one)
			if err != nil {
				return err
			}
			with.Properties.Set(one.Name, s)
			if one.Required {
				with.Required = append(with.Required, one.Name)
			}
		}
		named, parameters := jsonschema.NewProperties(), jsonschema.NewProperties()
		named.Set("preset", &jsonschema.Schema{Const: p.Name})
		parameters.Set("with", with)
		then := &jsonschema.Schema{Properties: parameters}
		if len(with.Required) > 0 {
			then.Required = []string{"with"}
		}
		sink.AllOf = append(sink.AllOf, &jsonschema.Schema{If: &jsonschema.Schema{Properties: named, Required: []string{"preset"}}, Then: then})
	}
	return nil
}

func parameterSchema(p presets.Parameter) (*jsonschema.Schema, error) {
	text := func() *jsonschema.Schema {
		return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}}}
	}
	s := map[string]*jsonschema.Schema{
		"text": text(), "number": {Type: "number"}, "boolean": {Type: "boolean"},
		"list": {Type: "array", Items: text()}, "map": {Type: "object", AdditionalProperties: text()},
	}[p.Type]
	switch {
	case p.Secret:
		s = secretSchema("secret")
	case len(p.Values) > 0:
		s = &jsonschema.Schema{Type: "string"}
		for _, value := range p.Values {
			s.Enum = append(s.Enum, value)
		}
	}
	s.Description = p.Doc
	if p.Required {
		return s, nil
	}
	return s, p.Default.Decode(&s.Default)
}
