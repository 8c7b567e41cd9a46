package operate

import (
	"fmt"
	"strings"
	"sync"
)

// phrase is what a short code means to a person.
type phrase struct {
	// words say what happened, do what to do about it.
	words, do string
	// tone is good, wait, bad or calm.
	tone string
}

// phrases returns the phrase of a reason, of an attempt's result, and of the state
// of a delivery or a breaker.
//
//nolint:gochecknoglobals // a table that is made once: a page asks for many phrases
var phrases = sync.OnceValue(func() map[string]phrase {
	return map[string]phrase{
		"undecodable":  {"Could not be understood", "The callback is authentic, and its text is not what the source's format says. Compare its body with the format; correct the source in the configuration, or the sender, reload, then replay: it is converted again.", "bad"},
		"rejected":     {"Refused by the sink", "The sink says that this request is wrong; sending the same again gives the same answer. Read its answer below, correct the sink's url, body or headers in the configuration, or the sink itself, reload, then replay.", "bad"},
		"render":       {"The request could not be made", "A template of the sink fails on this call. The detail names it; try the callback in the playground, correct the template, reload, then replay.", "bad"},
		"expired":      {"Expired after its last retry", "The sink did not take it within retry.give_up_after. See whether the sink is well again, then replay.", "bad"},
		"failing":      {"Failed again and again while the sink took others", "The sink takes other calls and not this one. Read what it answered, correct the call there or the template, then replay.", "bad"},
		"sink_removed": {"Its sink is no longer configured", "Put the sink back under the same name and reload, then replay; or purge it.", "bad"},

		"delivered":   {"Delivered", "", "good"},
		"unwell":      {"The sink is unwell", "It answered that it cannot work now. It is tried again by itself; if it lasts, ask who runs the sink.", "wait"},
		"timeout":     {"No answer in time", "The sink did not answer within its timeout. It is tried again by itself; if it lasts, look at the sink, or raise timeout.", "wait"},
		"connect":     {"No connection", "The sink cannot be reached. It is tried again by itself; check its address, DNS, the network and the sink.", "wait"},
		"credentials": {"Credentials or address are wrong", "The sink does not let us in, or is not at this address. Correct auth or url of the sink and reload: calls wait and are sent by themselves.", "bad"},
		"paused":      {"The sink asked for a pause", "It goes on by itself when the pause ends.", "wait"},

		"waiting":     {"Waiting", "", "wait"},
		"doubtful":    {"It fails while the sink takes others", "The sink takes other calls and not this one. Read what it answered and correct the call there, or the template; it is tried less and less often, and ends as a dead letter.", "bad"},
		"held":        {"Waits behind an older revision of the call", "It goes out by itself when the older one has ended.", "wait"},
		waitRetry:     {"Waits for its next attempt", "", "wait"},
		waitSettle:    {"Waits whether a newer revision of the call comes", "", "wait"},
		waitPlanned:   {"Waits for its time: it was replayed or sent again at a rate", "", "wait"},
		waitTurn:      {"Waits for its turn", "", "wait"},
		waitOlder:     {"Waits behind an older revision of the call", "", "wait"},
		"dead_letter": {"Dead letter", "", "bad"},
		"superseded":  {"Superseded by a newer revision", "A newer revision of the call came within settle and is delivered in its place.", "calm"},
		"purged":      {"Its dead letter was purged", "What was written into the sink for it is remembered for later revisions and for a resend of the call.", "calm"},
		"set_aside":   {"Set aside: its record is damaged", "It is kept byte for byte in the spool; cdrelay spool salvage gets it out.", "bad"},

		sinkWell:          {"Well", "", "good"},
		sinkIdle:          {"Nothing sent lately", "", "calm"},
		sinkPartly:        {"Fails for some calls", "It takes others. Open a call that waits, read what was answered, and correct the call there or the template; the others are not held up.", "wait"},
		sinkFailing:       {"Fails every call", "Calls wait and are tried again by themselves. Read what it answers below; if it lasts, ask who runs the sink.", "bad"},
		sinkRefusing:      {"Refuses every call", "Each call becomes a dead letter. Read its answer below, correct the sink's url, body or headers in the configuration, or the sink itself, reload, then replay its dead letters.", "bad"},
		sinkOpen:          {"Breaker open", "The sink failed again and again, so it is left alone; after a while one call tries it.", "bad"},
		sinkHalfOpen:      {"Breaker tries", "One call tries whether the sink is well again.", "wait"},
		sinkPausedByUs:    {"Paused by an operator", "Calls wait until the pause ends, or until the sink is resumed.", "wait"},
		sinkPausedBySink:  {"Paused by the sink", "It goes on by itself when the pause ends.", "wait"},
		sinkNotConfigured: {"Not configured", "Calls are still owed to it. Put it back into the configuration, or they become dead letters.", "bad"},

		"replay":  {"Replayed", "", "calm"},
		"purge":   {"Purged", "", "calm"},
		"resend":  {"Sent again", "", "calm"},
		"edit":    {"Edited and taken", "", "calm"},
		"pause":   {"Sink paused", "", "calm"},
		"resume":  {"Sink resumed", "", "calm"},
		"erase":   {"Number erased", "", "calm"},
		"reload":  {"Configuration read again", "", "calm"},
		"test":    {"Test call sent", "", "calm"},
		"salvage": {"Spool salvaged", "", "calm"},

		"accepted": {"Accepted: it becomes a call", "", "good"},
		"ignored":  {"Ignored: an event that is no call record", "It would be answered 200 and not kept.", "calm"},

		"duplicate":    {"Known already", "", "calm"},
		"unauthorized": {"Credentials are missing or wrong", "Compare what the platform sends with auth of the source.", "bad"},
		"forbidden":    {"The address may not post", "If it is the platform's, add it to auth.allow of the source; behind a proxy see trusted_proxies.", "bad"},
		"too_large":    {"Too large", "A callback has at most 1 MiB.", "bad"},
		"incomplete":   {"It broke off", "The sender hung up or was too slow; look at the network between.", "wait"},
		"unavailable":  {"It could not be stored", "The platform was asked to come back. Look at the space on the disk of the spool, and at the log.", "wait"},
		"wrong_method": {"It was not posted", "Callbacks are posted; look at the URL and the method at the platform.", "bad"},

		"matched":     {"Matched", "", "good"},
		"not_matched": {"Did not match", "", "calm"},
		"error":       {"Could not be decided", "It counts as not matched.", "bad"},
		"skipped":     {"Not read: an earlier rule stopped", "", "calm"},
	}
})

// phraseOf returns the phrase of a code; one that is not known is its own words.
func phraseOf(code any) phrase {
	text := fmt.Sprint(code)
	if p, ok := phrases()[text]; ok {
		return p
	}
	return phrase{words: strings.ReplaceAll(text, "_", " "), tone: "calm"}
}

// Words says what happened: of a reason, an attempt's result, or a state.
func Words(code any) string { return phraseOf(code).words }

// Advice says what to do about it; empty where there is nothing to do.
func Advice(code any) string { return phraseOf(code).do }

// Tone says how it is: good, wait, bad or calm.
func Tone(code any) string { return phraseOf(code).tone }
