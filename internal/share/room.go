// Package share divides memory among those who need it for as long as others make
// them wait, as a sink does that hangs.
//
// A Room is safe for concurrent use. It counts bytes and allocates none.
package share

import "sync"

// Room bounds the bytes that users hold together, and shares them out.
//
// A user that holds something may take more as long as it then holds no more than
// what is left for the others. So those who need room share it evenly, whoever
// comes first, and one that gives nothing back leaves room for all others. What a
// user takes while it holds nothing is always granted, however large it is; only
// where large ones of very many users take half as much again as the room, they are
// granted one after another.
type Room[User comparable] struct {
	bytes, small int64
	wake         func(User)

	mu   sync.Mutex // guards everything below
	used int64
	// large is how many takings of more than small are held.
	large int
	held  map[User]int64
	// short are the users that were refused since something was given back.
	short map[User]struct{}
}

// NewRoom returns a room of so many bytes. What is at most small is never large.
// wake is called for each user that was refused, once something is given back; it
// must not wait, nor call the room.
func NewRoom[User comparable](bytes, small int64, wake func(User)) *Room[User] {
	return &Room[User]{bytes: bytes, small: small, wake: wake, held: map[User]int64{}, short: map[User]struct{}{}}
}

// Take reports whether the user may take so many bytes, and charges it for them.
func (r *Room[User]) Take(u User, bytes int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	held, used := r.held[u]+bytes, r.used+bytes
	first := held == bytes && (bytes <= r.small || r.large == 0 || used <= r.bytes+r.bytes/2)
	if !first && held > r.bytes-used {
		r.short[u] = struct{}{}
		return false
	}
	r.held[u], r.used = held, used
	if bytes > r.small {
		r.large++
	}
	return true
}

// Give takes back what was charged by one Take.
func (r *Room[User]) Give(u User, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used -= bytes
	if r.held[u] -= bytes; r.held[u] == 0 {
		delete(r.held, u)
	}
	if bytes > r.small {
		r.large--
	}
	for waiting := range r.short {
		r.wake(waiting)
	}
	clear(r.short)
}

// Used is how many bytes are held.
func (r *Room[User]) Used() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.used
}
