package spool

// Erased counts what Erase took out of the file, or would.
type Erased struct {
	// Calls counts each revision.
	Calls int `json:"calls"`
	// Deliveries are those of the calls; Waiting are the ones among them that
	// were still owed, and are owed no more.
	Deliveries int `json:"deliveries"`
	Waiting    int `json:"waiting"`
	// DeadLetters are those of both stages.
	DeadLetters int `json:"dead_letters"`
	// SetAside are rows of damaged records.
	SetAside int `json:"set_aside"`
	// Redacted are answers of sinks about other calls: the number was taken out
	// of their text.
	Redacted int `json:"redacted"`
	// InFlight are the ids of calls that stay because an attempt to deliver them
	// was on its way all the time; ask again.
	InFlight []string `json:"in_flight"`
	// Residue says that unused space of the file may still hold the number,
	// because it could not be overwritten; ask again.
	Residue bool `json:"residue"`
	// Files are those set aside beside the spool; they are not searched.
	Files []string `json:"files"`
}

// NumberForms are the spellings of one telephone number.
type NumberForms struct {
	// E164 is the number with its plus sign, empty when it is not known.
	E164 string
	// Digits are the ways to write it in digits alone: international and national,
	// with or without the zeros in front.
	Digits []string
}
