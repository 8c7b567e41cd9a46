package call

// normalClearing is the Q.850 cause that says only that somebody hung up.
const normalClearing = 16

// OutcomeOfCause returns the outcome of a call that nobody answered from its ITU-T
// Q.850 cause. Cause 16, normal clearing, says nothing without knowing who hung
// up; it is no_answer here. ok says that the cause is one of Q.850's.
func OutcomeOfCause(q850 int) (o Outcome, ok bool) {
	switch q850 {
	case 1, 5, 22, 28:
		return InvalidNumber, true
	case 2, 3, 18, 20, 27:
		return Unreachable, true
	case normalClearing, 19, 102:
		return NoAnswer, true
	case 17:
		return Busy, true
	case 21:
		return Rejected, true
	case 26:
		return Canceled, true
	case 34, 42, 44, 47:
		return Congestion, true
	case 50, 52, 53, 54, 55, 57, 87:
		return Blocked, true
	case 6, 7, 8, 25, 29, 30, 38, 41, 43, 46, 49, 58, 63, 65, 66, 69, 70, 79,
		81, 82, 83, 84, 85, 86, 88, 91, 95, 96, 97, 98, 99, 100, 101, 103, 111, 127:
		return Failed, true
	case 4, 9, 23, 31, 39, 40:
		return UnknownOutcome, true
	}
	return UnknownOutcome, false
}

// OutcomeOfSIP returns the outcome of a call that nobody answered from its final
// SIP status, by way of the Q.850 cause that RFC 3398 maps it to. ok says that
// the status is a final one that means failure.
func OutcomeOfSIP(status int64) (o Outcome, ok bool) {
	switch status {
	case 404, 410, 484, 485, 604:
		return InvalidNumber, true
	case 480:
		return Unreachable, true
	case 408, 504:
		return NoAnswer, true
	case 486, 600:
		return Busy, true
	case 401, 402, 403, 407, 603, 607, 608:
		return Rejected, true
	case 487:
		return Canceled, true
	}
	if status >= 400 && status <= 699 {
		return Failed, true
	}
	return UnknownOutcome, false
}
