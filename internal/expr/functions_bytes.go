package expr

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// byteFunctions declares the functions for signatures. A text counts as its bytes
// in UTF-8.
func byteFunctions() []cel.EnvOption {
	var keyed []cel.FunctionOpt
	for _, key := range []*cel.Type{cel.BytesType, cel.StringType} {
		for _, message := range []*cel.Type{cel.BytesType, cel.StringType} {
			keyed = append(keyed, cel.Overload("hmac_sha256_"+key.TypeName()+"_"+message.TypeName(),
				[]*cel.Type{key, message}, cel.BytesType, cel.BinaryBinding(hmacSHA256)))
		}
	}
	return []cel.EnvOption{
		onBytes("base64", base64.StdEncoding.EncodeToString),
		onBytes("hex", hex.EncodeToString),
		cel.Function("hmacSha256", keyed...),
	}
}

func onBytes(name string, f func([]byte) string) cel.EnvOption {
	binding := cel.UnaryBinding(func(v ref.Val) ref.Val {
		b := bytesOf(v)
		if len(b) > maxText/2 { // hex takes two bytes for one
			return types.WrapErr(errLongText)
		}
		return types.String(f(b))
	})
	return cel.Function(name,
		cel.Overload(name+"_bytes", []*cel.Type{cel.BytesType}, cel.StringType, binding),
		cel.Overload(name+"_string", []*cel.Type{cel.StringType}, cel.StringType, binding))
}

func bytesOf(v ref.Val) []byte {
	if s, ok := v.(types.String); ok {
		return []byte(s)
	}
	return arg[types.Bytes](v)
}

func hmacSHA256(key, message ref.Val) ref.Val {
	mac := hmac.New(sha256.New, bytesOf(key))
	mac.Write(bytesOf(message))
	return types.Bytes(mac.Sum(nil))
}
