// Package spelling finds the name that a misspelt one probably meant, for error
// texts. It is pure and knows nothing of what the names stand for.
package spelling

import "strings"

// minPrefix is how long a beginning of a name must be to mean the name.
const minPrefix = 3

// Nearest returns the known name that a misspelt one probably meant: equal but
// for case, underscores and hyphens, a few letters off, or cut short.
func Nearest(name string, known []string) (string, bool) {
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
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
}

// distance is the number of letters to insert, delete, replace, or exchange with
// their neighbour.
func distance(a, b string) int {
	previous, row := []int(nil), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := row[j]
			if a[i] != b[j] {
				cost++
			}
			next[j+1] = min(cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], previous[j-1]+1)
			}
		}
		previous, row = row, next
	}
	return row[len(b)]
}
