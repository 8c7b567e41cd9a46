package expr

import "strings"

// minPrefix is how long a beginning of a name must be to mean the name.
const minPrefix = 3

// nearest gives the name that a misspelt one probably meant: equal but for case
// and underscores, a few letters off, or cut short.
func nearest(name string, known []string) (string, bool) {
	best, bestDistance := "", len(name)/3+1
	for _, k := range known {
		d := distance(letters(name), letters(k))
		if len(name) >= minPrefix && strings.HasPrefix(letters(k), letters(name)) {
			d = min(d, 1)
		}
		if d < bestDistance {
			best, bestDistance = k, d
		}
	}
	return best, best != ""
}

func letters(name string) string {
	return strings.ReplaceAll(strings.ToLower(name), "_", "")
}

// distance is the number of letters to insert, delete or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := previous
			if a[i] != b[j] {
				cost++
			}
			previous = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
