package slack

import (
	"fmt"
	"net/url"

	"gopkg.in/yaml.v3"

	"github.com/cdrelay/cdrelay/internal/expr"
	"github.com/cdrelay/cdrelay/internal/outbound"
	"github.com/cdrelay/cdrelay/internal/secret"
	"github.com/cdrelay/cdrelay/sinks/contract"
)

// defaultAPI is Slack's method for a message.
const defaultAPI = "https://slack.com/api/chat.postMessage"

// Config is the `slack` section of a sink: either WebhookURL, or Token and
// Channel.
type Config struct {
	WebhookURL secret.Value      `yaml:"webhook_url" example:"{env: SLACK_WEBHOOK_URL}" doc:"Address of an incoming webhook; a secret as a whole. Plain http is taken too, for stand-ins and egress proxies."`
	Token      secret.Value      `yaml:"token" example:"{env: SLACK_TOKEN}" doc:"Bot token with the scope chat:write; goes with channel."`
	Channel    string            `yaml:"channel" example:"C0123456789" doc:"Id or name of the channel that the token posts to."`
	APIURL     string            `yaml:"api_url" example:"https://slack-gov.com/api/chat.postMessage" doc:"Replaces the address of chat.postMessage, for GovSlack, proxies and stand-ins; goes with token."`
	Text       expr.Text         `yaml:"text" default:"a summary in Block Kit" example:"Missed call from ${call.customer.number}" doc:"The message; beside blocks, the text of the notification."`
	Blocks     Blocks            `yaml:"blocks" default:"the summary" example:"[{type: section, text: {type: mrkdwn, text: \"*${call.customer.number}* called\"}}]" doc:"Block Kit blocks; their texts may hold ${…}."`
	TLS        outbound.TLSFiles `yaml:"tls" example:"{ca: private-ca.crt, cert: client.crt, key: client.key}" doc:"For a private authority or a client certificate."`
}

// WithDefaults returns the configuration with what was left out.
func (c Config) WithDefaults() Config {
	if !c.Token.IsZero() && c.APIURL == "" {
		c.APIURL = defaultAPI
	}
	return c
}

// DefaultRate is what an incoming webhook or a channel of Slack takes: one message a
// second.
func (c Config) DefaultRate() float64 { return 1 }

// Build makes the sink of a valid configuration.
func (c Config) Build(d contract.Deps) (contract.Sink, error) {
	return contract.Built(New(c, d))
}

// Validate reports every problem with the path of its key.
func (c Config) Validate(report func(path, problem string)) {
	switch {
	case !c.WebhookURL.IsZero() && (!c.Token.IsZero() || c.Channel != ""):
		report("webhook_url", "stands beside token or channel: keep webhook_url, or token and channel")
	case !c.WebhookURL.IsZero():
		validateURL(report, "webhook_url", c.WebhookURL.Reveal())
	case c.Token.IsZero() && c.Channel == "":
		report("", "has no address: write webhook_url, or token and channel")
	case c.Token.IsZero():
		report("channel", "has no token beside it: write one, or webhook_url alone")
	case c.Channel == "":
		report("token", "has no channel beside it: write the id of the one to post to, such as C0123456789")
	}
	c.validateToken(report)
	c.TLS.Validate(contract.Under("tls", report))
}

func (c Config) validateToken(report func(path, problem string)) {
	if c.APIURL != "" {
		validateURL(report, "api_url", c.APIURL)
		if c.Token.IsZero() {
			report("api_url", "has no token beside it: write token and channel, or leave it out")
		}
	}
}

// validateURL never repeats the URL: it may be a secret.
func validateURL(report func(path, problem string), path, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		report(path, "is not a URL: copy it whole from Slack, with https://")
	case u.Scheme != "https" && u.Scheme != "http":
		report(path, "does not begin with https:// (or http:// for a stand-in): copy it whole from Slack")
	case u.Hostname() == "":
		report(path, "has no host: copy it whole from Slack")
	}
}

// Blocks is a list of Block Kit blocks whose strings may hold ${…}.
type Blocks struct{ tree expr.Tree }

// UnmarshalYAML takes a list only; the errors of the templates have their lines.
func (b *Blocks) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) == 0 {
		return &yaml.TypeError{Errors: []string{
			fmt.Sprintf("line %d: blocks is a list of Block Kit blocks, such as - {type: divider}", n.Line),
		}}
	}
	return b.tree.UnmarshalYAML(n)
}

// IsZero reports whether no blocks are configured.
func (b Blocks) IsZero() bool { return b.tree.IsZero() }

// render returns the blocks for one call, values escaped but in addresses.
func (b Blocks) render(v *expr.View) ([]any, error) {
	text, err := b.tree.JSONFunc(v, expr.EscapeSlack)
	if err != nil {
		return nil, err
	}
	list, err := decode(text)
	linkedTree(list)
	return list, err
}
