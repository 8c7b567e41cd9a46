// Package ruletest runs tests of a configuration's rules: files of YAML with
// cases, each a callback and what is expected of its record, its sinks and their
// requests. docs/rule-tests.md describes the format.
//
// It guarantees:
//
//   - nothing is sent or stored: the cases go through internal/explain;
//   - files are read as strictly as the configuration: an unknown or repeated
//     key, a field that no record has, a name that is not configured is an error
//     with its line, and all are reported at once;
//   - the same file, configuration and binary give the same result: what intake
//     would take from the clock is fixed (defaultReceivedAt) unless a case says;
//   - a difference shows no secret of a sink, but for what the test file itself
//     sets and addresses that the configuration writes out.
//
// While a configuration is loaded, the variables of the file's `env` are set in
// the environment of the process, where secrets are read from, and put back
// afterwards. So Run is for one goroutine of a process that does nothing else.
package ruletest
