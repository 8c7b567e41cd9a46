package expr

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestFunctions has an example of each function, those of docs/configuration.md
// among them.
func TestFunctions(t *testing.T) {
	const hostile = `@all <!channel> [x](http://a.example) *b* 'o' "p" & | ` + "`c`"
	r := full()
	r.Raw, _ = json.Marshal(map[string]string{"s": hostile, "lines": "a\r\nb\t\u202ec\x00 d ", "long": strings.Repeat("é", 100), "wide": "０１２ 3a"})
	for _, c := range [][2]string{
		{`urlEncode("a b+c/é?")`, `a%20b%2Bc%2F%C3%A9%3F`},
		{`base64("ab")`, `YWI=`},
		{`base64(b"ab")`, `YWI=`},
		{`hex(b"\xff\x00")`, `ff00`},
		{`hex(hmacSha256("key", "The quick brown fox jumps over the lazy dog"))`, `f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8`},
		// The vectors of DingTalk and Feishu.
		{`urlEncode(base64(hmacSha256("SECexample0123456789abcdef", "1764495073007\nSECexample0123456789abcdef")))`, `tWl9vjb8c5QkKnAUsuA%2FpN2WuPg1WpXJ9V56%2BsJS2s0%3D`},
		{`base64(hmacSha256("1764495073\nfsExampleSecret01", ""))`, `KSQJM/YEUVQii51SpDZjCleyo6RxozcBZZstn/rLPv0=`},

		{`plain(call.raw.lines)`, `a b c d`},
		{`cut("Siti Rahayu", 5)`, `Siti…`},
		{`cut("Siti", 4)`, `Siti`},
		{`cut("Siti", 0)`, ``},
		{`cut("ééé", 2)`, `é…`},
		{`cutBytes("ééé", 6)`, `ééé`},
		{`cutBytes("ééé", 5)`, `é…`},
		{`cutBytes("ééé", 4)`, `…`},
		{`cutBytes("ééé", 2)`, `..`},
		{`digits("+62 (812) 3456")`, `628123456`},
		{`digits(call.raw.wide)`, `0123`},
		{`nationalNumber(call.customer.number)`, `81234567890`},
		{`nationalNumber("+390612345678")`, `0612345678`},
		{`nationalNumber("0812345")`, ``},
		{`nationalNumber("anonymous")`, ``},
		{`httpURL("https://rec.example.com/a b(1).mp3?x=<y>")`, `https://rec.example.com/a%20b%281%29.mp3?x=%3Cy%3E`},
		{`httpURL("javascript:alert(1)")`, ``},
		{`httpURL("/a.mp3")`, ``},
		{`httpURL("https:///a.mp3")`, ``},
		{`string(weekday(timestamp("2026-11-30T22:00:00Z"), "UTC"))`, `1`},
		{`string(weekday(timestamp("2026-11-29T22:00:00Z"), "UTC"))`, `7`},
		{`string(weekday(timestamp("2026-11-29T22:00:00Z"), "Asia/Jakarta"))`, `1`},
		{`string(between(timestamp("2026-11-30T02:00:00Z"), "09:00", "18:00", "Asia/Jakarta"))`, `true`},
		{`string(between(timestamp("2026-11-30T01:59:59Z"), "09:00", "18:00", "Asia/Jakarta"))`, `false`},
		{`string(between(timestamp("2026-11-30T11:00:00Z"), "09:00", "18:00", "Asia/Jakarta"))`, `false`},
		{`string(between(timestamp("2026-11-30T23:30:00Z"), "22:00", "06:00", "UTC"))`, `true`},
		{`string(between(timestamp("2026-11-30T05:59:00Z"), "22:00", "06:00", "UTC"))`, `true`},
		{`string(between(timestamp("2026-11-30T06:00:00Z"), "22:00", "06:00", "UTC"))`, `false`},
		{`string(between(timestamp("2026-11-30T23:59:00Z"), "18:00", "24:00", "UTC"))`, `true`},
		{`escape(call.raw.s, "slack")`, `@all &lt;!channel&gt; [x](http:` + "\u2060" + `//a.example) ∗b∗ 'o' "p" &amp; ∣ 'c'`},
		{`escape(call.raw.s, "html")`, `@all &lt;!channel&gt; [x](http://a.example) *b* &#39;o&#39; &#34;p&#34; &amp; | ` + "`c`"},
		{`escape(call.raw.s, "lark")`, `@all &#60;&#33;channel&#62; &#91;x&#93;&#40;http://a.example&#41; &#42;b&#42; 'o' "p" &#38; | &#96;c&#96;`},
		{`escape(call.raw.s, "discord")`, `\@all \<!channel\> \[x\]\(http\://a.example\) \*b\* 'o' "p" & \| ` + "\\`c\\`"},
		{`escape(call.raw.s, "dingtalk")`, `@all ＜\!channel\> \[x\]\(http://a.example\) \*b\* 'o' "p" & | ` + "\\`c\\`"},
		{`escape(call.raw.s, "fullwidth")`, `＠all ＜!channel＞ ［x］（http://a.example） ＊b＊ 'o' "p" & | ｀c｀`},
		{`escape(call.raw.s, "code")`, `@all <!channel> [x](http://a.example) *b* 'o' "p" & | 'c'`},
		{`escape("O'Neil \\ \n", "soql")`, `O\'Neil \\ \n`},
		{`escape("O'Neil", "coql")`, `O\'Neil`},
		{`escape("+62 (1)-{x}", "sosl")`, `\+62 \(1\)\-\{x\}`},
		{`escape(call.raw.lines, "slack")`, `a b c d`},
	} {
		src, want := c[0], c[1]
		text, err := ParseText("<${" + src + "}>")
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if got, err := text.String(NewView(r, nil)); got != "<"+want+">" || err != nil {
			t.Errorf("%s:\n got %s %v\nwant <%s>", src, got, err, want)
		}
	}
}

// TestSummary builds a message as the presets of chats do.
func TestSummary(t *testing.T) {
	tree := parseYAML(t, `
title: "${summary(call).title}"
level: "${summary(call).level}"
fields: "${summary(call).facts.map(f, {'name': f.label, 'value': escape(cut(f.text, 20), 'html')})}"
buttons: "${summary(call).links.filter(l, l.url.startsWith('https')).map(l, {'text': l.label, 'url': l.url})}"
all: "${summary(call).links}"
first: {when: "summary(call).links.size() > 0", url: "${summary(call).links[0].url}"}
`)
	r := full()
	r.Recording.URL, r.TalkSeconds, r.Task.Intent = "https://rec.example.com/a b.mp3", new(125), "x\n<y>"
	got, err := tree.JSON(NewView(r, nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"title":"Answered call from +6281234567890, 2 min 05 s","level":"good","fields":[{"name":"From","value":"+6281234567890`,
		`{"name":"Task","value":"x &lt;y&gt;`,
		`{"name":"When","value":"2024-03-01 10:00 UTC"}`,
		`"buttons":[{"text":"Listen to the recording","url":"https://rec.example.com/a%20b.mp3"}]`,
		`"all":[{"label":"Listen to the recording","url":"https://rec.example.com/a%20b.mp3"}]`,
		`"first":{"url":"https://rec.example.com/a%20b.mp3"}`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if got, err := tree.JSON(NewView(bare(), nil)); err != nil || !strings.Contains(string(got), `"buttons":[],"all":[]}`) {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := CompileCondition(`summary(call).titel == ""`); err == nil || !strings.Contains(err.Error(), "titel") {
		t.Errorf("a misspelt field of a summary: %v", err)
	}
}

func TestFunctionsAreCheckedAtLoad(t *testing.T) {
	for src, want := range map[string]string{
		`between(call.started_at, "9:00", "18:00", "UTC")`:      `"9:00" is no time of day`,
		`between(call.started_at, "09:00", "25:00", "UTC")`:     `"25:00" is no time of day`,
		`between(call.started_at, "09:00", "09:00", "UTC")`:     `is an empty span: write 00:00 and 24:00`,
		`between(call.started_at, "09:00", "18:00", "Jakarta")`: `unknown time zone "Jakarta"`,
		`weekday(call.started_at, "Asia/Jakata") == 1`:          `unknown time zone`,
		`escape(call.agent.name, "slak") == ""`:                 `no markup "slak": write one of code, coql`,
		`cut(call.agent.name, "5") == ""`:                       `cut cannot be applied to`,
		`hmacSha256("a", call.talk_seconds) == b""`:             `hmacSha256 cannot be applied to`,
	} {
		if _, err := CompileCondition(src); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", src, err, want)
		}
	}
}

func TestFunctionsOfAbsentTimes(t *testing.T) {
	for _, src := range []string{`between(call.started_at, "09:00", "18:00", "UTC")`, `weekday(call.started_at, "UTC") == 1`} {
		c, err := CompileCondition(src)
		if err != nil {
			t.Fatal(err)
		}
		if ok, err := c.Holds(NewView(bare(), nil)); ok || err == nil || !noValue(err) {
			t.Errorf("%s: %v, %v", src, ok, err)
		}
	}
}

// FuzzMarkups: whatever a text holds, nothing that a markup reads is left.
func FuzzMarkups(f *testing.F) {
	for _, s := range []string{"", "<!channel>", "a\u202eb", "\xff<", "[x](y)", "\\", "'", "a\nb", "`x`", "@everyone", "\u2028"} {
		f.Add(s)
	}
	escapes := newMarkups()
	f.Fuzz(func(t *testing.T, s string) {
		for name, escape := range escapes {
			out := escape(s)
			if len(out) > maxEscape*max(len(s), 1) {
				t.Errorf("%s makes %d bytes of %d", name, len(out), len(s))
			}
			forbidden := map[string]string{
				"slack": "<>|*`~\n\r\u202e", "html": "<>\"'\x00\x1b", "lark": "<>*[]()`_\n\u202e", "dingtalk": "<\n\u202e", "fullwidth": "<>[]()*#`@\n", "code": "`\n",
			}[name]
			if strings.ContainsAny(out, forbidden) && forbidden != "" {
				t.Errorf("%s of %q is %q", name, s, out)
			}
			if strings.HasPrefix(name, "s") && name != "soql" && name != "sosl" && !utf8.ValidString(out) {
				t.Errorf("%s of %q is no UTF-8", name, s)
			}
			if name == "soql" || name == "coql" {
				if strings.Count(out, `'`) != strings.Count(out, `\'`) || strings.Contains(out, "\n") {
					t.Errorf("%s of %q is %q", name, s, out)
				}
			}
		}
	})
}
