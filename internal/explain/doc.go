// Package explain says what would become of a callback: the record that it
// becomes, each rule with the values that decided, and the very request that
// each sink would get.
//
// It guarantees:
//
//   - nothing is sent, stored or logged, and no token is fetched. What a request
//     would be given only when it is sent (signatures, fetched tokens) is masked;
//   - the secrets of a sink are masked in its requests, in every spelling; of an
//     address that is a secret the host stays, and what templates put into it.
//     Wire gives a request unmasked, for rule tests;
//   - record, rules and requests come from the same code that serves callbacks.
//
// Telephone numbers are shown: whoever asks has the callback in hands, and a rule
// or a template that is wrong is often wrong about the number. Nothing of it is
// kept.
//
// What only a server knows is assumed: the revision is 1 unless given, and the
// call is no duplicate. An Explainer is immutable and safe for concurrent use.
package explain
