// Package charset reads the bytes of a callback as text, in the character set of
// its sender.
//
// The names of character sets are those of the web, as golang.org/x/text has
// them; with x/text no other library is needed. A byte order mark counts for more
// than any name, and UTF-16 is recognised without one, because the text of a
// callback begins with an ASCII character.
//
// Bytes that are not valid in the character set become U+FFFD in what is read.
// Beside that text there is an exact one, in which no two different bytes look
// alike: two callbacks that differ only in such bytes are still two contents.
//
// All functions are pure and may be called concurrently.
package charset
