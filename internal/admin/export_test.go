package admin

// Routes gives the method and path of each route of the API.
func Routes() [][2]string {
	var out [][2]string
	for _, r := range new(api).routes() {
		out = append(out, [2]string{r.method, r.path})
	}
	return out
}
