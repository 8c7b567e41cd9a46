// Package config reads the one YAML file: strictly, whole, and with the line of
// every error. It composes the config types of the packages that use them and
// adds only what concerns several of them: unique names and references.
//
// Load guarantees that what it returns can be built: every expression is
// compiled, every secret read, every reference resolved. It reports all problems
// at once and never a secret's text. Each has the form of
//
//	file:line: key: what is wrong: what to write
//
// in which the owner of the key words the last two parts. A value that Load returned
// is not changed afterwards.
//
// It refuses what YAML would read silently in another way than it looks:
// unknown and repeated keys, keys without a value, YAML tags (an unquoted
// `!call.answered` is one), a second document.
package config
