// Package adaptertest is the contract suite of the formats: what every adapter
// must do, as tests that a format calls in a few lines.
//
// The cases of a format stand in its testdata, one txtar file a case: why the
// case exists; the source's settings; the body; and below it the canonical record
// or the error. `go test ./adapter/... -update` writes the lower part anew. The
// record stands there without raw: the suite itself holds raw against the body.
//
// Only tests import this package.
package adaptertest
