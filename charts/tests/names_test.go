package tests

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

func TestNames(t *testing.T) {
	for _, r := range each(t) {
		t.Run(r.name, func(t *testing.T) { report(t, checkNames(r.objects)) })
	}
}

// TestLongNames: 53 characters are the longest name that helm lets a release have.
func TestLongNames(t *testing.T) {
	for _, r := range each(t) {
		long, err := renderAs(r.set, r.values, strings.Repeat("r", 53), namespace)
		if err != nil {
			t.Errorf("%s: %v", r.name, err)
			continue
		}
		report(t, checkNames(long.objects))
		report(t, checkLinks(long))
	}
}

func TestNamesNotices(t *testing.T) {
	objects, err := decodeAll(`
apiVersion: v1
kind: Service
metadata: {name: A, namespace: telephony, labels: {app.kubernetes.io/version: a b}}
spec: {ports: [{name: far-too-long-name, port: 70000}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
data: {a.json: "{"}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: ` + strings.Repeat("a", 53) + `, namespace: telephony, annotations: {a b: c}}
spec: {template: {metadata: {labels: {a: /}}, spec: {containers: [{name: a, ports: [{name: a_b, containerPort: 1}]}]}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
`)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, checkNames(objects),
		"DNS-1035", "label app.kubernetes.io/version", "Service A: port 70000", "Service A: port far-too-long-name",
		"ConfigMap a: its namespace", "a.json", "label a", "annotation a b", "no room", "port a_b", "its namespace", "twice")
}

// checkNames wants names that the API server takes; the types do not know them.
func checkNames(objects []object) []string {
	var complaints []string
	seen := map[string]bool{}
	for _, o := range objects {
		complain := func(text string) { complaints = append(complaints, fmt.Sprintf("%v: %s", o, text)) }
		if o.GetNamespace() != namespace {
			complain("its namespace is not the release's")
		}
		if seen[o.String()] {
			complain("is there twice")
		}
		seen[o.String()] = true
		check := validation.IsDNS1123Subdomain
		if o.kind == "Service" {
			check = validation.IsDNS1035Label
		}
		for _, problem := range check(o.GetName()) {
			complain(problem)
		}
		labels := []map[string]string{o.GetLabels()}
		annotations := []map[string]string{o.GetAnnotations()}
		for _, p := range pods([]object{o}) {
			labels, annotations = append(labels, p.meta.Labels), append(annotations, p.meta.Annotations)
		}
		for _, problem := range checkMarks(labels, annotations) {
			complain(problem)
		}
		for _, problem := range checkInside(o) {
			complain(problem)
		}
	}
	return complaints
}

// checkMarks looks at labels and annotations.
func checkMarks(labels, annotations []map[string]string) []string {
	var complaints []string
	for _, set := range labels {
		for key, value := range set {
			for _, problem := range append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...) {
				complaints = append(complaints, fmt.Sprintf("label %s: %s", key, problem))
			}
		}
	}
	for _, set := range annotations {
		for key := range set {
			for _, problem := range validation.IsQualifiedName(strings.ToLower(key)) {
				complaints = append(complaints, fmt.Sprintf("annotation %s: %s", key, problem))
			}
		}
	}
	return complaints
}

// checkInside looks at what is particular to a kind.
func checkInside(o object) []string {
	var complaints []string
	switch typed := o.typed.(type) {
	case *corev1.Service:
		for _, port := range typed.Spec.Ports {
			if problems := validation.IsDNS1123Label(port.Name); len(problems) > 0 || len(port.Name) > 15 {
				complaints = append(complaints, fmt.Sprintf("port %s has a bad name", port.Name))
			}
			if len(validation.IsValidPortNum(int(port.Port))) > 0 {
				complaints = append(complaints, fmt.Sprintf("port %d is out of range", port.Port))
			}
		}
	case *corev1.ConfigMap:
		for key, value := range typed.Data {
			if strings.HasSuffix(key, ".json") && !json.Valid([]byte(value)) {
				complaints = append(complaints, key+" is no JSON")
			}
		}
	case *monitoringv1.PrometheusRule:
		if len(typed.Spec.Groups) == 0 {
			complaints = append(complaints, "has no rules")
		}
	}
	// A StatefulSet's pods carry its name and a hash of eleven as a label.
	if o.kind == "StatefulSet" && len(o.GetName()) > validation.LabelValueMaxLength-len("-5f6d8c9b7d") {
		complaints = append(complaints, "its name leaves no room for the label of a revision")
	}
	for _, p := range pods([]object{o}) {
		for _, c := range p.containers() {
			for _, port := range c.Ports {
				if problems := validation.IsValidPortName(port.Name); len(problems) > 0 {
					complaints = append(complaints, fmt.Sprintf("port %s: %s", port.Name, strings.Join(problems, ", ")))
				}
			}
		}
	}
	slices.Sort(complaints)
	return complaints
}
