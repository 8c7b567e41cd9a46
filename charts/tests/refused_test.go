package tests

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/strvals"
)

// TestRefused: what cannot work is refused before anything is installed, in words
// that name the place and, where it is not plain, the remedy.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ set, says string }{
		{"persistence.enabled=false", "iAcceptLoss: true"},
		{"nonsense=1", "nonsense"},
		{"config.sauces=1", "sauces"},
		{"terminationGracePeriodSeconds=30", "attempts in flight"},
		{"config.listen=:8081", "different ports"},
		{"config.spool.path=/var/x.db", "/config/spool/path"},
		{"config.spool.path=/data/../x.db", "below /data"},
		{"config.admin.listen=127.0.0.1:8081", "/config/admin/listen"},
		{"config.spool.max_bytes=8GiB", "80 % of persistence.size"},
		{"config.spool.max_bytes=many", "write a size"},
		{"resources.limits.memory=null", "memory"},
		{"replicas=2,persistence.existingClaim=x", "a spool of its own"},
		{"app.enabled=true,app.container.image=x,replicas=2,persistence.existingClaim=x", "a spool of its own"},
		{"persistence.enabled=false,persistence.iAcceptLoss=true,persistence.existingClaim=x", "no effect"},
		{"persistence.accessModes={ReadWriteMany}", "ReadWriteOncePod"},
		{"app.enabled=true", "app.container.image"},
		{"app.container.image=x", "app.enabled"},
		{"app.enabled=true,app.container.image=x,library=true", "exclude each other"},
		{"app.enabled=true,app.container.image=x,app.container.name=cdrelay", "choose another"},
		{"app.enabled=true,app.container.image=x,app.container.ports[0].containerPort=8080", "share their ports"},
		{"app.service.enabled=true", "app.service.ports"},
		{"adminToken.secret=x,config.admin.token=y", "keep one"},
		{"service.nodePort=30000", "NodePort or LoadBalancer"},
		{"service.loadBalancerClass=x", "LoadBalancer"},
		{"ingress.enabled=true", "ingress.hosts"},
		{"httpRoute.enabled=true", "httpRoute.parentRefs"},
		{"ingress.enabled=true,ingress.hosts={a},config.sources=null", "ingress.paths"},
		{"podDisruptionBudget.enabled=true,podDisruptionBudget.minAvailable=1", "no node could be drained"},
		{"podDisruptionBudget.maxUnavailable=0", "maxUnavailable"},
		{"serviceMonitor.enabled=true,podMonitor.enabled=true", "twice"},
		{"test.source=nobody", "test.source"},
		{"config.listen=8080", "/config/listen"},
		{"image.digest=sha256:0", "/image/digest"},
		{"service.type=Balancer", "/service/type"},
		{"service.port=0", "/service/port"},
		{"persistence.size=much", "/persistence/size"},
	} {
		t.Run(c.set, func(t *testing.T) {
			values, err := strvals.Parse(c.set)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = renderAs(set{"refused", "charts/cdrelay", "", ownVersion}, values, releaseName, namespace); err == nil {
				t.Fatal("it renders")
			}
			if text := err.Error(); !strings.Contains(text, c.says) || len(text) > 600 {
				t.Errorf("the error says nothing of %q, or too much:\n%s", c.says, text)
			}
		})
	}
}

// TestTextsStayTexts: what Helm would change on the way is refused, and in quotes
// it reaches cdrelay as it was written.
func TestTextsStayTexts(t *testing.T) {
	const values = `config:
  sources:
    - {name: first, format: nxcc, region: %[1]s, auth: {header: {name: token, value: %[2]s}}}
  sinks:
    - name: crm
      webhook:
        url: https://crm.example.com/x
        headers: {X-Version: %[3]s, %[7]s: 1.2.3}
        body: {owner: %[4]s, %[5]s: 1, more: [{deep: %[6]s}], amount: 12.5, flag: false}
  tables: {%[8]s: {file: owners.csv}}
  rules: [{name: all, to: [crm]}]
`
	sound := []any{`"NO"`, `"0777"`, `"1.10"`, `"1688363452814331905"`, `"no"`, `"123456789012345678"`, `"off"`, `"on"`}
	for _, c := range []struct {
		at    int
		value string
		says  []string
	}{
		{-1, "", nil},
		{0, "NO", []string{"/config/sources/0/region", "boolean", "string"}},
		{1, "0777", []string{"/config/sources/0/auth/header/value", "number", "string"}},
		{1, "12345678901234567890", []string{"/config/sources/0/auth/header/value"}},
		{2, "1.10", []string{"/config/sinks/0/webhook/headers/X-Version", "number", "string"}},
		{3, "1688363452814331905", []string{"config.sinks[0].webhook.body.owner", "rounds", "quotes"}},
		{3, "-1688363452814331905", []string{"config.sinks[0].webhook.body.owner", "rounds", "quotes"}},
		{4, "no", []string{"config.sinks[0].webhook.body", "the key false", "quotes"}},
		{6, "off", []string{"config.sinks[0].webhook.headers", "the key false", "quotes"}},
		{7, "on", []string{"config.tables", "the key true", "quotes"}},
		{5, "123456789012345678", []string{"config.sinks[0].webhook.body.more[0].deep", "quotes"}},
	} {
		parts := slices.Clone(sound)
		if c.at >= 0 {
			parts[c.at] = c.value
		}
		v, err := chartutil.ReadValues(fmt.Appendf(nil, values, parts...))
		if err != nil {
			t.Fatal(err)
		}
		files, err := renderAs(set{"refused", "charts/cdrelay", "", ownVersion}, v, releaseName, namespace)
		if c.at < 0 {
			if err != nil {
				t.Errorf("quoted texts are refused: %v", err)
			}
			for _, want := range []string{`region: "NO"`, `value: "0777"`, `X-Version: "1.10"`, `owner: "1688363452814331905"`, `"no": 1`, `amount: 12.5`} {
				if !strings.Contains(fmt.Sprint(files), want) {
					t.Errorf("the configuration has no %s", want)
				}
			}
			continue
		}
		for _, want := range c.says {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: the error does not say %q: %v", c.value, want, err)
			}
		}
	}
}
