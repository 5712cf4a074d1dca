package scenarios

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sealgate.dev/cluster/bed"
	"sigs.k8s.io/yaml"
)

// kubectl of an administrator of a control plane that is this test's alone.
func ownPlane(t *testing.T) func(stdin string, arguments ...string) (string, error) {
	t.Helper()
	plane, err := bed.StartControlPlane(t.TempDir(), os.Getenv("CONTROLPLANE"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plane.Stop)
	return func(stdin string, arguments ...string) (string, error) {
		return cluster.Kubectl(plane.Server.Kubeconfig, stdin, arguments...)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !holds(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}

// Objects of every kind with sealgate in their names, but not what the API server says about its own kinds.
func leftBehind(t *testing.T, kubectl func(string, ...string) (string, error)) []string {
	t.Helper()
	kinds, err := kubectl("", "api-resources", "--verbs=list", "-o", "name")
	if err != nil {
		t.Fatal(err)
	}
	out, err := kubectl("", "get", strings.Join(strings.Fields(kinds), ","), "-A", "-o", "name", "--ignore-not-found")
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, name := range strings.Fields(out) {
		if strings.Contains(name, "sealgate") && !strings.HasPrefix(name, "event") {
			left = append(left, name)
		}
	}
	return left
}

// The rules of manifests/crds hold without sealgated: the API server alone refuses, in the same words.
func TestTheAPIServerAloneRefusesSimpleMistakes(t *testing.T) {
	t.Parallel()
	kubectl := ownPlane(t)
	if out, err := kubectl("", "apply", "-k", bed.Manifests+"/crds"); err != nil {
		t.Fatal(out)
	}
	if out, err := kubectl("", "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s"); err != nil {
		t.Fatal(out)
	}
	if out, err := kubectl("", "create", "namespace", "shop"); err != nil {
		t.Fatal(out)
	}
	text, err := os.ReadFile("../manifests/crds/cases.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ Name, Refused, Object string }
	if err := yaml.UnmarshalStrict(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		out, err := kubectl(c.Object, "create", "--dry-run=server", "-f", "-")
		if (err == nil) != (c.Refused == "") || !strings.Contains(out, c.Refused) {
			t.Errorf("%s: %q is expected: %s", c.Name, c.Refused, out)
		}
	}
}

func TestWhatIsInstalledComesUpAndGoesAgain(t *testing.T) {
	t.Parallel()
	kubectl := ownPlane(t)
	base, err := filepath.Abs(bed.Manifests + "/base")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := kubectl("", "apply", "-k", base); err != nil {
		t.Fatal(out)
	}
	// Its own pod is made although nobody answers the webhook yet, and in a namespace that takes restricted pods alone.
	eventually(t, "sealgate's pod", func() bool {
		out, _ := kubectl("", "-n", "sealgate", "get", "pods", "-o", "name")
		return strings.HasPrefix(out, "pod/sealgate-")
	})
	const pod = `{apiVersion: v1, kind: Pod, metadata: {name: x, namespace: default}, spec: {containers: [{name: a, image: a}]}}`
	eventually(t, "a refusal while sealgate is away", func() bool {
		out, err := kubectl(pod, "create", "--dry-run=server", "-f", "-")
		return err != nil && strings.Contains(out, "failed calling webhook")
	})
	if out, err := kubectl("", "delete", "-k", base, "--timeout=60s"); err != nil {
		t.Fatal(out)
	}
	eventually(t, "nothing is left", func() bool { return len(leftBehind(t, kubectl)) == 0 })
	eventually(t, "pods are taken again", func() bool {
		_, err := kubectl(pod, "create", "--dry-run=server", "-f", "-")
		return err == nil
	})
}

// Whoever stole sealgate's token could read policies and workloads, and change nothing that runs.
func TestSealgatesAccountMayJustThis(t *testing.T) {
	t.Parallel()
	kubectl := ownPlane(t)
	if out, err := kubectl("", "apply", "-k", bed.Manifests+"/base"); err != nil {
		t.Fatal(out)
	}
	for _, c := range []struct {
		verb, resource, namespace string
		may                       bool
	}{
		{"watch", "attestors.sealgate.dev", "", true},
		{"patch", "imagepolicies.sealgate.dev/status", "shop", true},
		{"list", "pods", "shop", true},
		{"create", "events.events.k8s.io", "shop", true},
		{"watch", "secrets", "sealgate", true},
		{"get", "secrets", "shop", false},
		{"list", "configmaps", "", false},
		{"update", "attestors.sealgate.dev", "", false},
		{"delete", "clusterimagepolicies.sealgate.dev", "", false},
		{"create", "pods", "shop", false},
		{"patch", "deployments.apps", "sealgate", false},
		{"patch", "secrets", "sealgate", false},
		{"patch", "validatingwebhookconfigurations.admissionregistration.k8s.io", "", false},
		{"create", "events", "shop", false},
	} {
		resource, subresource, _ := strings.Cut(c.resource, "/")
		arguments := []string{"auth", "can-i", c.verb, resource, "--subresource=" + subresource,
			"--as=system:serviceaccount:sealgate:sealgate"}
		if c.namespace != "" {
			arguments = append(arguments, "-n", c.namespace)
		} else {
			arguments = append(arguments, "-A")
		}
		out, _ := kubectl("", arguments...)
		if lines := strings.Fields(out); len(lines) == 0 || (lines[len(lines)-1] == "yes") != c.may {
			description, _ := json.Marshal(arguments)
			t.Errorf("%s: %s", description, out)
		}
	}
}
