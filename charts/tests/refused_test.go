package tests

import (
	"strings"
	"testing"

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
