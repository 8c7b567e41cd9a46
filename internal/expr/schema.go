package expr

import (
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/cdrelay/cdrelay/internal/call"
)

// kind is one object type: its accessors by JSON name, in the record's order.
type kind struct {
	typ    *types.Type
	names  []string
	fields map[string]*types.FieldType
}

// schema tells CEL the types of the record and turns Go values into CEL ones.
// It is immutable once made. The embedded registry knows CEL's own types.
type schema struct {
	*types.Registry
	kinds  map[string]*kind
	byType map[reflect.Type]*kind
	// tracker is what meters are copies of.
	tracker *cost.Tracker
}

func newSchema() (*schema, error) {
	registry, err := types.NewRegistry()
	if err != nil {
		return nil, fmt.Errorf("cel types: %w", err)
	}
	tracker, err := cost.NewTracker(newPrices())
	if err != nil {
		return nil, fmt.Errorf("cel costs: %w", err)
	}
	s := &schema{Registry: registry, kinds: map[string]*kind{}, byType: map[reflect.Type]*kind{}, tracker: tracker}
	add[view](s, recordType, recordFields(s))
	add[call.Party](s, partyType, partyFields())
	add[call.Agent](s, agentType, agentFields())
	add[call.Queue](s, queueType, queueFields())
	add[call.Hangup](s, hangupType, hangupFields())
	add[call.Recording](s, recordingType, recordingFields())
	add[call.Task](s, taskType, taskFields())
	add[call.References](s, referencesType, referencesFields())
	addSummary(s)
	add[answer](s, responseType, responseFields(s))
	add[outcomes](s, outcomesType, nil)
	return s, nil
}

// add declares the type that a *T has in expressions.
func add[T any](s *schema, name string, fields []field) {
	k := &kind{typ: types.NewObjectType(name), fields: make(map[string]*types.FieldType, len(fields))}
	for _, f := range fields {
		k.names = append(k.names, f.name)
		k.fields[f.name] = &types.FieldType{Type: f.typ, IsSet: f.set, GetFrom: f.get}
	}
	s.kinds[name] = k
	s.byType[reflect.TypeFor[*T]()] = k
}

// FindStructType implements types.Provider.
func (s *schema) FindStructType(name string) (*types.Type, bool) {
	if k, ok := s.kinds[name]; ok {
		return types.NewTypeTypeWithParam(k.typ), true
	}
	return s.Registry.FindStructType(name)
}

// FindStructFieldNames implements types.Provider.
func (s *schema) FindStructFieldNames(name string) ([]string, bool) {
	if k, ok := s.kinds[name]; ok {
		return k.names, true
	}
	return s.Registry.FindStructFieldNames(name)
}

// FindStructFieldType implements types.Provider.
func (s *schema) FindStructFieldType(name, fieldName string) (*types.FieldType, bool) {
	if name == outcomesType { // which steps there are is not known here
		return outcomeField(s, fieldName), true
	}
	if k, ok := s.kinds[name]; ok {
		f, ok := k.fields[fieldName]
		return f, ok
	}
	return s.Registry.FindStructFieldType(name, fieldName)
}

// NativeToValue implements types.Adapter.
func (s *schema) NativeToValue(value any) ref.Val {
	switch v := value.(type) {
	case ref.Val:
		return v
	case bool:
		return types.Bool(v)
	}
	if k, ok := s.byType[reflect.TypeOf(value)]; ok {
		return &object{schema: s, kind: k, target: value}
	}
	return s.Registry.NativeToValue(value)
}
