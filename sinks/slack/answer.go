package slack

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cdrelay/cdrelay/internal/outbound"
)

// defaultPause is the rest when Slack says "too fast" and not for how long: its
// limit is about one message a second.
const defaultPause = time.Second

// readWebhook tells what an incoming webhook's answer means: a status and one
// word in plain text.
func readWebhook(a outbound.Answer) outbound.Verdict {
	word := strings.TrimSpace(string(a.Body))
	switch {
	case a.Status == http.StatusOK && word == "ok":
		return outbound.Verdict{Meaning: outbound.Delivered}
	case a.Status >= 200 && a.Status < 300:
		return outbound.Verdict{Meaning: outbound.Rejected, Detail: "slack did not answer ok: " + code(word)}
	case a.Status >= 400 && a.Status < 500 && goneAddress(word):
		return outbound.Verdict{Meaning: outbound.Credentials, Detail: "slack: " + word}
	default:
		return outbound.Standard(a)
	}
}

// goneAddress knows the words that speak of the webhook itself and not of the
// message, whatever the status: user_not_found comes with a 400.
func goneAddress(word string) bool {
	return slices.Contains([]string{
		"action_prohibited", "posting_to_general_channel_denied", "channel_not_found",
		"channel_is_archived", "user_not_found", "no_service", "no_service_id", "no_team",
		"no_active_hooks", "team_disabled", "invalid_token",
	}, word)
}

// apiAnswer is what every method of Slack's API answers.
type apiAnswer struct {
	OK       bool   `json:"ok"`
	Error    string `json:"error"`
	Needed   string `json:"needed"`
	Metadata struct {
		Messages []string `json:"messages"`
	} `json:"response_metadata"`
}

// readAPI tells what an answer of chat.postMessage means: failures come with
// status 200 and a code.
func readAPI(a outbound.Answer) outbound.Verdict {
	var answer apiAnswer
	readable := json.Unmarshal(a.Body, &answer) == nil
	switch {
	case readable && answer.tooFast():
		return pause(a)
	case a.Status != http.StatusOK:
		return outbound.Standard(a)
	case !readable:
		// Not Slack's: a proxy's page. Nothing is known about the message.
		return outbound.Verdict{Meaning: outbound.Unwell, Detail: "slack's answer is not JSON: " + outbound.Standard(a).Detail}
	case answer.OK:
		return outbound.Verdict{Meaning: outbound.Delivered}
	default:
		return outbound.Verdict{Meaning: meaning(answer.Error), Detail: answer.detail()}
	}
}

func (a apiAnswer) tooFast() bool {
	return !a.OK && (a.Error == "ratelimited" || a.Error == "rate_limited")
}

func (a apiAnswer) detail() string {
	text := "slack: " + code(a.Error)
	if a.Needed != "" {
		text += ", needs the scope " + code(a.Needed)
	}
	if len(a.Metadata.Messages) > 0 {
		text += ": " + strings.Join(a.Metadata.Messages, "; ")
	}
	return text
}

// pause reads Retry-After wherever it comes; outbound clamps it.
func pause(a outbound.Answer) outbound.Verdict {
	a.Status = http.StatusTooManyRequests
	v := outbound.Standard(a)
	if v.Meaning != outbound.Paused {
		v.Wait = defaultPause
	}
	return outbound.Verdict{Meaning: outbound.Paused, Wait: v.Wait, Detail: "slack: ratelimited"}
}

// meaning sorts the API's error codes. One that is not known is the sink's
// fault, so that the call waits and is not lost.
func meaning(code string) outbound.Meaning {
	switch code {
	case "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive",
		"missing_scope", "no_permission", "not_allowed_token_type", "org_login_required",
		"ekm_access_denied", "enterprise_is_restricted", "two_factor_setup_required",
		"access_denied", "accesslimited", "team_access_not_granted", "team_not_found",
		"team_added_to_org", "as_user_not_supported", "method_deprecated", "deprecated_endpoint",
		"channel_not_found", "not_in_channel", "is_archived", "messages_tab_disabled",
		"restricted_action", "restricted_action_read_only_channel",
		"restricted_action_thread_only_channel", "restricted_action_non_threadable_channel",
		"invalid_channel", "user_not_found":
		return outbound.Credentials
	case "invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long",
		"no_text", "too_many_attachments", "attachment_payload_limit_exceeded",
		"invalid_attachments", "cannot_parse_attachment", "markdown_text_conflict",
		"metadata_too_large", "invalid_metadata_format", "invalid_metadata_schema",
		"invalid_arguments", "invalid_arg_name", "invalid_array_arg", "invalid_charset",
		"invalid_form_data", "invalid_json", "json_not_object", "invalid_post_type",
		"missing_post_type", "slack_connect_file_link_sharing_blocked",
		"slack_connect_canvas_sharing_blocked", "slack_connect_lists_sharing_blocked":
		return outbound.Rejected
	default: // internal_error, fatal_error, service_unavailable, request_timeout, message_limit_exceeded …
		return outbound.Unwell
	}
}

// maxCode bounds what stands in a detail where a short word is expected.
const maxCode = 100

func code(word string) string {
	if word == "" {
		return "(nothing)"
	}
	return shorten(oneLine(word), maxCode)
}
