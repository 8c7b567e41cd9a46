package call_test

import (
	"encoding/json"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cdrelay/cdrelay/internal/call"
)

// schemaNode is as much of JSON Schema as the record's schema uses.
type schemaNode struct {
	Ref                  string                `json:"$ref"`
	Description          string                `json:"description"`
	Type                 string                `json:"type"`
	Const                string                `json:"const"`
	Enum                 []string              `json:"enum"`
	Required             []string              `json:"required"`
	Properties           map[string]schemaNode `json:"properties"`
	AdditionalProperties *bool                 `json:"additionalProperties"`
	Defs                 map[string]schemaNode `json:"$defs"`
}

func readSchema(t *testing.T) schemaNode {
	t.Helper()
	var root schemaNode
	if err := json.Unmarshal(call.Schema(), &root); err != nil {
		t.Fatal(err)
	}
	return root
}

func TestSchemaNamesTheFieldsOfTheStruct(t *testing.T) {
	t.Parallel()
	root := readSchema(t)
	compareFields(t, "record", reflect.TypeFor[call.Record](), root, root)
	if root.Properties["schema"].Const != call.SchemaID {
		t.Errorf("schema is %q", root.Properties["schema"].Const)
	}
}

// compareFields walks struct and schema side by side.
func compareFields(t *testing.T, path string, typ reflect.Type, node, root schemaNode) {
	t.Helper()
	if node.AdditionalProperties == nil || *node.AdditionalProperties {
		t.Errorf("%s: other properties are allowed", path)
	}
	var fields, required []string
	for f := range typ.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		fields = append(fields, name)
		if options == "" {
			required = append(required, name)
		}
		child, ok := node.Properties[name]
		if !ok {
			t.Errorf("%s.%s is not in the schema", path, name)
			continue
		}
		if child.Description == "" && child.Const == "" {
			t.Errorf("%s.%s has no description", path, name)
		}
		compareField(t, path+"."+name, f.Type, child, root)
	}
	for name := range node.Properties {
		if !slices.Contains(fields, name) {
			t.Errorf("%s.%s is only in the schema", path, name)
		}
	}
	if diff := cmp.Diff(required, node.Required); diff != "" {
		t.Errorf("%s: required: %s", path, diff)
	}
}

func compareField(t *testing.T, path string, typ reflect.Type, node, root schemaNode) {
	t.Helper()
	if name, ok := strings.CutPrefix(node.Ref, "#/$defs/"); ok {
		node = root.Defs[name]
	}
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	var want string
	switch {
	case typ == reflect.TypeFor[call.Time]():
		want = "string"
	case typ == reflect.TypeFor[json.RawMessage]():
		want = "object"
	case typ.Kind() == reflect.Struct:
		want = "object"
		compareFields(t, path, typ, node, root)
	case typ.Kind() == reflect.Slice:
		want = "array"
	case typ.Kind() == reflect.Int:
		want = "integer"
	case typ.Kind() == reflect.Bool:
		want = "boolean"
	case typ.PkgPath() == "" && node.Const == "":
		want = "string"
	}
	if node.Type != want {
		t.Errorf("%s: type %q, want %q", path, node.Type, want)
	}
}

func TestSchemaNamesTheEnums(t *testing.T) {
	t.Parallel()
	root, values := readSchema(t), constants(t)
	for typ, node := range map[string]schemaNode{
		"Direction": root.Properties["direction"],
		"Method":    root.Properties["method"],
		"Outcome":   root.Properties["outcome"],
		"HangupBy":  root.Properties["hangup"].Properties["by"],
	} {
		if diff := cmp.Diff(values[typ], node.Enum); diff != "" || len(node.Enum) == 0 {
			t.Errorf("%s (-Go +schema):\n%s", typ, diff)
		}
	}
}

// constants reads enum.go: the values of each type in their order.
func constants(t *testing.T) map[string][]string {
	t.Helper()
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "enum.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	pkg, err := new(types.Config).Check("call", fset, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	consts := make([]*types.Const, 0)
	for _, name := range pkg.Scope().Names() {
		if c, ok := pkg.Scope().Lookup(name).(*types.Const); ok {
			consts = append(consts, c)
		}
	}
	slices.SortFunc(consts, func(a, b *types.Const) int { return int(a.Pos() - b.Pos()) })
	values := map[string][]string{}
	for _, c := range consts {
		typ := strings.TrimPrefix(c.Type().String(), "call.")
		values[typ] = append(values[typ], constant.StringVal(c.Val()))
	}
	return values
}

func TestSchemaIsACopy(t *testing.T) {
	t.Parallel()
	clear(call.Schema())
	if !json.Valid(call.Schema()) {
		t.Error("a caller has changed the schema")
	}
}
