package dbfile

// Values in the table kept, by lane and name.
const (
	// KeepNamed writes one.
	KeepNamed = `INSERT INTO kept(lane, name, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value`
	// ForgetNamed removes one.
	ForgetNamed = `DELETE FROM kept WHERE lane = ? AND name = ?`
	// ReadNamed reads one.
	ReadNamed = `SELECT value FROM kept WHERE lane = ? AND name = ?`
)
