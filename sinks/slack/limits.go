package slack

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/cdrelay/cdrelay/internal/call"
	"github.com/cdrelay/cdrelay/internal/plainjson"
)

// The limits of Block Kit. Slack does not document the one for all blocks
// together; about 13,200 characters were seen to be refused.
const (
	maxBlocks        = 50
	maxAllBlocks     = 13_000
	maxText          = 3_000
	maxHeader        = 150
	maxFields        = 10
	maxField         = 2_000
	maxContext       = 10
	maxActions       = 25
	maxID            = 255
	maxURL           = 3_000
	maxAlt           = 2_000
	maxButton        = 75
	maxButtonValue   = 2_000
	maxMarkdown      = 12_000
	maxMessageText   = 40_000
	smallestTextLeft = 64
)

// object is one JSON object of a message.
type object = map[string]any

// fit shortens blocks until Slack takes them. It changes the blocks in place;
// what cannot be shown (an empty text, a link that is none) is left out.
func fit(blocks []any) []any {
	kept := keep(blocks, fitBlock)
	kept = kept[:min(len(kept), maxBlocks)]
	return fitAll(kept)
}

// keep returns the objects of a list that ok accepts.
func keep(list []any, ok func(object) bool) []any {
	kept := list[:0]
	for _, item := range list {
		if o, isObject := item.(object); isObject && ok(o) {
			kept = append(kept, o)
		}
	}
	return kept
}

func fitBlock(b object) bool {
	shortenKey(b, "block_id", maxID)
	switch b["type"] {
	case "header":
		return fitText(b, "text", maxHeader)
	case "section":
		return fitSection(b)
	case "context":
		return fitList(b, "elements", maxContext, fitElement)
	case "actions":
		return fitList(b, "elements", maxActions, fitElement)
	case "image":
		return fitImage(b)
	case "markdown":
		shortenKey(b, "text", maxMarkdown)
		return !blank(b["text"])
	default:
		return true
	}
}

func fitSection(b object) bool {
	text := fitText(b, "text", maxText)
	fields := fitList(b, "fields", maxFields, func(o object) bool { return fitString(o, maxField) })
	if accessory, ok := b["accessory"].(object); ok && !fitElement(accessory) {
		delete(b, "accessory")
	}
	return text || fields
}

// fitText keeps the text object under a key, or removes it when it is empty.
func fitText(b object, key string, limit int) bool {
	if o, ok := b[key].(object); ok && fitString(o, limit) {
		return true
	}
	if _, isText := b[key].(string); isText {
		return true // not for us to mend: Slack's answer will say so
	}
	delete(b, key)
	return false
}

// fitString shortens the string in a text object; a number or bool from a
// template becomes text first.
func fitString(o object, limit int) bool {
	switch v := o["text"].(type) {
	case json.Number:
		o["text"] = v.String()
	case bool:
		o["text"] = strconv.FormatBool(v)
	}
	shortenKey(o, "text", limit)
	return !blank(o["text"])
}

func fitList(b object, key string, limit int, ok func(object) bool) bool {
	list, isList := b[key].([]any)
	if !isList {
		return false
	}
	list = keep(list, ok)
	list = list[:min(len(list), limit)]
	b[key] = list
	if len(list) == 0 {
		delete(b, key)
	}
	return len(list) > 0
}

func fitElement(e object) bool {
	switch e["type"] {
	case "button":
		return fitButton(e)
	case "image":
		return fitImage(e)
	case "mrkdwn", "plain_text":
		return fitString(e, maxText)
	default:
		return true
	}
}

func fitButton(e object) bool {
	shortenKey(e, "action_id", maxID)
	shortenKey(e, "value", maxButtonValue)
	if _, has := e["url"]; has && !fitLink(e, "url") {
		return false
	}
	return fitText(e, "text", maxButton)
}

func fitImage(e object) bool {
	shortenKey(e, "alt_text", maxAlt)
	fitText(e, "title", maxAlt)
	if _, uploaded := e["slack_file"]; uploaded {
		return true
	}
	return fitLink(e, "image_url")
}

// fitLink reports whether Slack would accept a link.
func fitLink(e object, key string) bool {
	text, _ := e[key].(string)
	return call.IsWebURL(text) && units(text) <= maxURL
}

func shortenKey(o object, key string, limit int) {
	if s, ok := o[key].(string); ok {
		o[key] = shorten(s, limit)
	}
}

func blank(v any) bool {
	s, ok := v.(string)
	return !ok || strings.TrimSpace(s) == ""
}

// fitAll brings all blocks together under their limit: the longest texts give
// way first, and only then the last blocks.
func fitAll(blocks []any) []any {
	for limit := maxMarkdown; size(blocks) > maxAllBlocks && limit > smallestTextLeft; {
		limit = limit * 4 / 5
		capTexts(blocks, limit)
	}
	for size(blocks) > maxAllBlocks {
		blocks = blocks[:len(blocks)-1]
	}
	return blocks
}

// capTexts shortens every text in a tree to the limit; links and ids stay.
func capTexts(tree any, limit int) {
	switch t := tree.(type) {
	case []any:
		for _, item := range t {
			capTexts(item, limit)
		}
	case object:
		shortenKey(t, "text", limit)
		shortenKey(t, "alt_text", limit)
		for _, item := range t {
			capTexts(item, limit)
		}
	}
}

// size counts the blocks as they are sent.
func size(blocks []any) int {
	if len(blocks) == 0 {
		return 0
	}
	b, err := plainjson.Marshal(blocks)
	if err != nil {
		return 0 // the message fails to encode for the same reason
	}
	return units(string(b))
}
