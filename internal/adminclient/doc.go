// Package adminclient talks to the private API of a running cdrelay.
//
// It owns the address, the token and the words of what can go wrong: its errors
// name the address and say what to do, and never hold the token. It knows no
// path and no answer of the API beyond problem+json and listings; the caller
// brings both.
//
// A Client is safe for concurrent use. It follows no redirects, since they would
// carry the token elsewhere, and sends nothing twice.
package adminclient
