package contract

// Under returns a report of problems whose paths are below a key of another report.
func Under(key string, report func(path, problem string)) func(path, problem string) {
	return func(path, problem string) {
		switch {
		case path == "":
			report(key, problem)
		case path[0] == '[':
			report(key+path, problem)
		default:
			report(key+"."+path, problem)
		}
	}
}
