// Package plaintext makes texts that others wrote fit for people: it cuts them to a
// bound, and takes out what moves the cursor of a terminal, breaks a line or turns
// the direction of reading.
//
// It escapes nothing: the markup of a page, a chat or a header is the business of
// the package that writes it. All functions return valid UTF-8 and have no state.
package plaintext
