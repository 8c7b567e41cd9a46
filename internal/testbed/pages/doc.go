// Package pages tests the page of the private listener in a headless Chromium: it
// holds tests only. The server is the whole one, in this process, between callbacks
// and sinks that the tests own. What must not happen on any page fails a test: a
// script that fails, a complaint of the console, a request to another host. Pictures
// go to bin/screenshots. `make browser` runs it.
package pages
