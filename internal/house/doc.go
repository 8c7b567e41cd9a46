// Package house holds the rules of the house as tests, one rule a file:
//
//   - imports: the table of packages, their levels and what they may import;
//     pure packages ask no clock, disk or network
//   - lengths: of functions and files
//   - sleeps: a test that sleeps does so in fake time
//   - toplevel: what may lie at the top of the repository
//   - readme: its first screen
//   - commands: those of README and docs, which are run
//   - examples: configurations shown in README and docs, which the server loads
//   - links: between the documents, with the headings that they name
//
// A rule is a function from the tree, or from a text, to the complaints about
// it, so that each is also shown something bad to complain about.
//
// The package has no code but tests and is imported by nobody. The rules read
// the files of the working tree whatever their build tags.
package house
