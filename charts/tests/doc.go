// Package tests holds the tests of the charts, and of the other ways to install
// that docs/install shows. It is a module of its own, so that the types of
// Kubernetes, Helm and Compose stay out of the product's go.mod.
//
//   - chart: every set of values in charts/cdrelay/ci, and every chart in
//     charts/examples, lints and renders; what it renders is a golden file
//   - decode: every object decodes strictly into the type of its API
//   - names: names, labels and ports are what the API server takes
//   - links: what refers to something by name, label or port finds it
//   - restricted: every pod fits the Pod Security Standard of that name
//   - config: the server's own `check` accepts the rendered configuration, whose
//     secrets are there
//   - run: the rendered containers and probes work with the real server, which
//     stops within the pod's time
//   - refused: bad values are refused with words that help
//   - manifest, compose, systemd: docs/install
//
// A check is a function from objects to the complaints about them, so that each
// is also shown something bad to complain about. The package has no code but
// tests and is imported by nobody. `make chart` runs it; promtool and
// systemd-analyze are asked where they are to be had.
package tests
