package tests

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestLinks(t *testing.T) {
	for _, r := range each(t) {
		t.Run(r.name, func(t *testing.T) { report(t, checkLinks(r)) })
	}
}

func TestLinksNotices(t *testing.T) {
	objects, err := decodeAll(`
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: s}
spec:
  serviceName: gone
  selector: {matchLabels: {app: b}}
  template:
    metadata: {labels: {app: a}}
    spec:
      serviceAccountName: nobody
      containers:
        - name: c
          image: c
          ports: [{name: http, containerPort: 80}]
          volumeMounts: [{name: gone, mountPath: /x}, {name: config, mountPath: /y}, {name: config, mountPath: /y}]
          livenessProbe: {httpGet: {path: /, port: sauce}}
          envFrom: [{configMapRef: {name: gone-map}}]
      volumes: [{name: config, configMap: {name: gone-map}}, {name: spare, emptyDir: {}}]
---
apiVersion: v1
kind: Pod
metadata: {name: hook, labels: {app: a}}
spec: {containers: [{name: c, image: c}]}
---
apiVersion: v1
kind: Service
metadata: {name: good}
spec: {selector: {app: a}, ports: [{name: http, port: 80, targetPort: http}, {name: x, port: 81, targetPort: sauce}]}
---
apiVersion: v1
kind: Service
metadata: {name: lost}
spec: {selector: {app: c}, ports: [{name: http, port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: i}
spec: {rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: good, port: {name: sauce}}}}]}}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: np}
spec: {podSelector: {matchLabels: {app: a}}, ingress: [{ports: [{port: 9}]}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: p}
spec: {selector: {matchLabels: {app: d}}}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata: {name: m}
spec: {selector: {matchLabels: {app: a}}, endpoints: [{port: admin}]}
---
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata: {name: m}
spec: {selector: {matchLabels: {app: a}}, podMetricsEndpoints: [{port: admin}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: h}
spec: {rules: [{backendRefs: [{name: good, port: 82}]}]}
`)
	if err != nil {
		t.Fatal(err)
	}
	objects[1].hook = true
	expect(t, checkLinks(rendering{objects: objects}),
		"c mounts the volume gone", "c mounts two volumes at /y", "nothing mounts the volume spare", "c probes the port sauce",
		"ConfigMap gone-map", "ServiceAccount nobody",
		"its selector does not fit its own pods", "Service gone",
		"Service good: its selector also fits Pod hook", "Service good: no container has the port sauce",
		"Service lost: its selector fits no pod",
		"Ingress i: Service good has no port sauce",
		"NetworkPolicy np: its selector also fits Pod hook", "NetworkPolicy np: no container has the port 9",
		"PodDisruptionBudget p: its selector fits no pod",
		"ServiceMonitor m: its selector fits no Service",
		"PodMonitor m: its selector also fits Pod hook", "PodMonitor m: no container has the port admin",
		"HTTPRoute h: Service good has no port 82",
	)
}

// linked follows references between the objects of a rendering.
type linked struct {
	rendering

	complaints []string
}

// checkLinks wants what is referred to by name, label or port to be there.
func checkLinks(r rendering) []string {
	l := &linked{rendering: r}
	for _, o := range r.objects {
		for _, p := range pods([]object{o}) {
			l.volumes(p)
			l.probes(p)
			l.names(p)
		}
		l.object(o)
	}
	return l.complaints
}

func (l *linked) complain(o object, format string, args ...any) {
	l.complaints = append(l.complaints, fmt.Sprintf("%v: %s", o, fmt.Sprintf(format, args...)))
}

func (l *linked) object(o object) {
	switch typed := o.typed.(type) {
	case *appsv1.StatefulSet:
		selector, err := metav1.LabelSelectorAsSelector(typed.Spec.Selector)
		if err != nil || selector.Empty() || !selector.Matches(labels.Set(typed.Spec.Template.Labels)) {
			l.complain(o, "its selector does not fit its own pods")
		}
		l.service(o, typed.Spec.ServiceName, intstr.IntOrString{})
	case *corev1.Service:
		chosen := l.selected(o, metav1.SetAsLabelSelector(typed.Spec.Selector))
		for _, port := range typed.Spec.Ports {
			l.port(o, chosen, target(port))
		}
	case *networkingv1.Ingress:
		l.ingress(o, typed)
	case *gatewayv1.HTTPRoute:
		l.route(o, typed)
	case *networkingv1.NetworkPolicy:
		chosen := l.selected(o, &typed.Spec.PodSelector)
		for _, rule := range typed.Spec.Ingress {
			for _, port := range rule.Ports {
				if port.Port != nil {
					l.port(o, chosen, *port.Port)
				}
			}
		}
	case *policyv1.PodDisruptionBudget:
		l.selected(o, typed.Spec.Selector)
	case *monitoringv1.ServiceMonitor:
		l.serviceMonitor(o, typed)
	case *monitoringv1.PodMonitor:
		chosen := l.selected(o, &typed.Spec.Selector)
		for _, e := range typed.Spec.PodMetricsEndpoints {
			if e.Port == nil {
				l.complain(o, "an endpoint has no named port")
				continue
			}
			l.port(o, chosen, intstr.FromString(*e.Port))
		}
	}
}

func (l *linked) ingress(o object, ingress *networkingv1.Ingress) {
	backends := []*networkingv1.IngressBackend{ingress.Spec.DefaultBackend}
	for _, rule := range ingress.Spec.Rules {
		if rule.HTTP != nil {
			for _, p := range rule.HTTP.Paths {
				backends = append(backends, &p.Backend)
			}
		}
	}
	for _, b := range backends {
		if b == nil || b.Service == nil {
			continue
		}
		port := intstr.FromInt32(b.Service.Port.Number)
		if b.Service.Port.Name != "" {
			port = intstr.FromString(b.Service.Port.Name)
		}
		l.service(o, b.Service.Name, port)
	}
}

func (l *linked) route(o object, route *gatewayv1.HTTPRoute) {
	for _, rule := range route.Spec.Rules {
		for _, b := range rule.BackendRefs {
			if b.Port == nil {
				l.complain(o, "a backend has no port")
				continue
			}
			l.service(o, string(b.Name), intstr.FromInt32(*b.Port))
		}
	}
}

func (l *linked) serviceMonitor(o object, monitor *monitoringv1.ServiceMonitor) {
	selector, err := metav1.LabelSelectorAsSelector(&monitor.Spec.Selector)
	if err != nil {
		l.complain(o, "%v", err)
		return
	}
	found := 0
	for _, other := range l.objects {
		if other.kind == "Service" && !selector.Empty() && selector.Matches(labels.Set(other.GetLabels())) {
			found++
			for _, e := range monitor.Spec.Endpoints {
				l.service(o, other.GetName(), intstr.FromString(e.Port))
			}
		}
	}
	if found != 1 {
		l.complain(o, "its selector fits %s; a pod is scraped once", map[bool]string{true: "no Service", false: "several Services"}[found == 0])
	}
}

// service wants a Service of the name, with the port unless that is zero.
func (l *linked) service(o object, name string, port intstr.IntOrString) {
	for _, other := range l.objects {
		s, ok := other.typed.(*corev1.Service)
		if !ok || s.Name != name {
			continue
		}
		for _, p := range s.Spec.Ports {
			if port == (intstr.IntOrString{}) || port == intstr.FromInt32(p.Port) || port == intstr.FromString(p.Name) {
				return
			}
		}
		l.complain(o, "Service %s has no port %s", name, port.String())
		return
	}
	l.complain(o, "there is no Service %s", name)
}

// selected gives the pods that a selector fits: those of the release, and never
// one that a hook starts.
func (l *linked) selected(o object, s *metav1.LabelSelector) []pod {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		l.complain(o, "%v", err)
		return nil
	}
	var chosen []pod
	for _, p := range pods(l.objects) {
		switch {
		case selector.Empty() || !selector.Matches(labels.Set(p.meta.Labels)):
		case p.of.hook && !o.hook:
			l.complain(o, "its selector also fits %v", p.of)
		default:
			chosen = append(chosen, p)
		}
	}
	if len(chosen) == 0 {
		l.complain(o, "its selector fits no pod")
	}
	return chosen
}

// port wants a container with the port in each of the pods.
func (l *linked) port(o object, all []pod, port intstr.IntOrString) {
	for _, p := range all {
		found := false
		for _, c := range p.containers() {
			_, ok := portOf(c, port)
			found = found || ok
		}
		if !found {
			l.complain(o, "no container has the port %s", port.String())
		}
	}
}

// portOf gives the number of a container's port by number or name.
func portOf(c corev1.Container, port intstr.IntOrString) (int32, bool) {
	for _, p := range c.Ports {
		if port == intstr.FromInt32(p.ContainerPort) || port == intstr.FromString(p.Name) {
			return p.ContainerPort, true
		}
	}
	return 0, false
}

func target(port corev1.ServicePort) intstr.IntOrString {
	if port.TargetPort == (intstr.IntOrString{}) {
		return intstr.FromInt32(port.Port)
	}
	return port.TargetPort
}

// volumes wants what is mounted to be there, and what is there to be mounted.
func (l *linked) volumes(p pod) {
	there := map[string]bool{}
	for _, v := range p.spec.Volumes {
		there[v.Name] = false
	}
	for _, c := range p.claims {
		there[c.Name] = false
	}
	for _, c := range p.containers() {
		paths := map[string]bool{}
		for _, m := range c.VolumeMounts {
			if _, ok := there[m.Name]; !ok {
				l.complain(p.of, "%s mounts the volume %s, which is not there", c.Name, m.Name)
				continue
			}
			there[m.Name] = true
			if paths[m.MountPath] {
				l.complain(p.of, "%s mounts two volumes at %s", c.Name, m.MountPath)
			}
			paths[m.MountPath] = true
		}
	}
	for _, v := range p.spec.Volumes {
		if !there[v.Name] {
			l.complain(p.of, "nothing mounts the volume %s", v.Name)
		}
	}
}

func (l *linked) probes(p pod) {
	for _, c := range p.containers() {
		for _, probe := range []*corev1.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
			if probe == nil || probe.HTTPGet == nil {
				continue
			}
			if _, ok := portOf(c, probe.HTTPGet.Port); !ok {
				l.complain(p.of, "%s probes the port %s, which it does not have", c.Name, probe.HTTPGet.Port.String())
			}
		}
	}
}

// names wants the ConfigMaps and the account of a pod to be rendered, unless the
// values name them: then they are the user's own.
func (l *linked) names(p pod) {
	want := map[string]bool{}
	for _, v := range p.spec.Volumes {
		if v.ConfigMap != nil {
			want["ConfigMap "+v.ConfigMap.Name] = true
		}
	}
	for _, c := range p.containers() {
		for _, from := range c.EnvFrom {
			if from.ConfigMapRef != nil {
				want["ConfigMap "+from.ConfigMapRef.Name] = true
			}
		}
	}
	if account := p.spec.ServiceAccountName; account != "" && account != "default" {
		want["ServiceAccount "+account] = true
	}
	for _, o := range l.objects {
		delete(want, o.String())
	}
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if _, plain, _ := strings.Cut(name, " "); !strings.Contains(fmt.Sprint(l.values), plain) {
			l.complain(p.of, "there is no %s", name)
		}
	}
}
