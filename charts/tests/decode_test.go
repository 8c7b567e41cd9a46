package tests

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/yaml"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// object is one Kubernetes object in the type of its API.
type object struct {
	metav1.Object

	typed runtime.Object
	kind  string
	hook  bool // part of `helm test` or the like, not of the release
}

func (o object) String() string { return o.kind + " " + o.GetName() }

// TestDecode counts, because a rendering that does not decode strictly fails
// every test.
func TestDecode(t *testing.T) {
	for _, r := range each(t) {
		if len(r.objects) < 3 || len(pods(r.objects)) == 0 {
			t.Errorf("%s has %d objects and %d pods", r.name, len(r.objects), len(pods(r.objects)))
		}
	}
}

func TestDecodeNotices(t *testing.T) {
	const service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"
	for text, says := range map[string]string{
		service:                        "",
		"# nothing\n":                  "",
		service + "spec: {sauce: 1}\n": `unknown field "spec.sauce"`,
		service + "spec:\n  type: A\n  type: B\n":  `key "type" already set`,
		service + "spec: {ports: [{port: http}]}":  "http",
		"apiVersion: v1\nkind: Sauce\n":            `no kind "Sauce"`,
		"apiVersion: apps/v1beta1\nkind: Deploy\n": "apps/v1beta1",
		"kind: Service\nmetadata: {name: a}\n":     "apiVersion",
		service + "--- \n" + "kind: [":             "yaml",
	} {
		_, err := decodeAll(text)
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%v says nothing of %q:\n%s", err, says, text)
		}
	}
}

// decodeAll decodes the documents of a stream. Unknown and repeated keys and
// kinds that are not ours are errors.
func decodeAll(text string) ([]object, error) {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		corev1.AddToScheme, appsv1.AddToScheme, batchv1.AddToScheme, networkingv1.AddToScheme, policyv1.AddToScheme,
		monitoringv1.AddToScheme, gatewayv1.Install,
	} {
		if err := add(scheme); err != nil {
			return nil, err
		}
	}
	strict := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme, scheme, json.SerializerOptions{Yaml: true, Strict: true})
	documents := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	var all []object
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if empty(document) {
			continue
		}
		typed, kind, err := strict.Decode(document, nil, nil)
		if err != nil {
			return nil, fmt.Errorf("%w in\n%s", err, document)
		}
		about, err := meta.Accessor(typed)
		if err != nil {
			return nil, err
		}
		all = append(all, object{Object: about, typed: typed, kind: kind.Kind})
	}
}

// empty tells a document of comments only.
func empty(document []byte) bool {
	for line := range bytes.Lines(document) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && !bytes.HasPrefix(line, []byte("---")) {
			return false
		}
	}
	return true
}

// pod is a pod, or the template of one.
type pod struct {
	of   object
	meta metav1.ObjectMeta
	spec corev1.PodSpec
	// claims are volumes beside those of the spec.
	claims []corev1.PersistentVolumeClaim
}

// pods gives every pod that the objects lead to.
func pods(objects []object) []pod {
	var all []pod
	for _, o := range objects {
		switch typed := o.typed.(type) {
		case *corev1.Pod:
			all = append(all, pod{o, typed.ObjectMeta, typed.Spec, nil})
		case *appsv1.StatefulSet:
			all = append(all, pod{o, typed.Spec.Template.ObjectMeta, typed.Spec.Template.Spec, typed.Spec.VolumeClaimTemplates})
		case *appsv1.Deployment:
			all = append(all, pod{o, typed.Spec.Template.ObjectMeta, typed.Spec.Template.Spec, nil})
		case *batchv1.Job:
			all = append(all, pod{o, typed.Spec.Template.ObjectMeta, typed.Spec.Template.Spec, nil})
		}
	}
	return all
}

// containers gives all containers of a pod in the order in which they start.
func (p pod) containers() []corev1.Container {
	return append(append([]corev1.Container(nil), p.spec.InitContainers...), p.spec.Containers...)
}
