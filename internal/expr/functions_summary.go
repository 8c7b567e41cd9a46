package expr

import (
	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/cdrelay/cdrelay/internal/call"
)

// The types of what summary(call) returns; see recordType for the names.
const (
	summaryType = "call summary"
	factType    = "summary fact"
	linkType    = "summary link"
)

// addSummary declares the types of a summary.
func addSummary(s *schema) {
	add[call.Fact](s, factType, []field{
		text("label", func(f *call.Fact) string { return f.Label }),
		text("text", func(f *call.Fact) string { return f.Text }),
	})
	add[call.Link](s, linkType, []field{
		text("label", func(l *call.Link) string { return l.Label }),
		text("url", func(l *call.Link) string { return l.URL }),
	})
	add[call.Summary](s, summaryType, []field{
		text("title", func(c *call.Summary) string { return c.Title }),
		text("level", func(c *call.Summary) string { return c.Level }),
		always("facts", types.NewListType(types.NewObjectType(factType)), func(c *call.Summary) ref.Val {
			return types.NewDynamicList(s, pointers(c.Facts))
		}),
		always("links", types.NewListType(types.NewObjectType(linkType)), func(c *call.Summary) ref.Val {
			return types.NewDynamicList(s, pointers(c.Links))
		}),
	})
}

// pointers are the elements in the form that the accessors take.
func pointers[T any](list []T) []*T {
	out := make([]*T, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}

// summaryFunction declares summary(call): the words of the messages for chats.
func (e *environment) summaryFunction() cel.EnvOption {
	return unary("summary", "summary_call", e.schema.kinds[recordType].typ, e.schema.kinds[summaryType].typ, func(v ref.Val) ref.Val {
		over, isRecord := arg[*object](v).target.(*view)
		if !isRecord {
			return types.MaybeNoSuchOverloadErr(v)
		}
		summary := call.Summarize(over.record)
		return e.schema.NativeToValue(&summary)
	})
}
