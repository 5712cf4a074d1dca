package render

import (
	"os"
	"reflect"
	"regexp"
	"sort"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const (
	root  = "../../.."
	base  = root + "/manifests"
	chart = base + "/helm/sealgate"
)

func kustomize(t *testing.T, components ...string) Objects {
	t.Helper()
	work := t.TempDir()
	absolute, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	out, err := Kustomize(absolute+"/"+base, work, components...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func helm(t *testing.T, namespace string, values map[string]any) Objects {
	t.Helper()
	out, err := Helm(chart, "sealgate", namespace, values)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func text(t *testing.T, value any) string {
	t.Helper()
	out, err := yaml.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Numbers and absent lists look the same afterwards, whoever rendered them.
func plain(t *testing.T, object map[string]any) map[string]any {
	t.Helper()
	var out map[string]any
	if err := yaml.Unmarshal([]byte(text(t, object)), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestHelmRendersWhatKustomizeBuilds(t *testing.T) {
	for _, c := range []struct {
		name       string
		components []string
		values     map[string]any
	}{
		{"plain", nil, nil},
		{"cert-manager", []string{"cert-manager"}, map[string]any{"certManager": true}},
		{"audit-only", []string{"audit-only"}, map[string]any{"defaultAction": "allow", "failurePolicy": "Ignore"}},
		{"api", []string{"api"}, map[string]any{"api": true}},
		{"all", []string{"audit-only", "cert-manager", "api"},
			map[string]any{"defaultAction": "allow", "failurePolicy": "Ignore", "certManager": true, "api": true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, b := kustomize(t, c.components...), helm(t, "sealgate", c.values)
			delete(a, "Namespace /sealgate") // Helm makes it: --create-namespace
			if !reflect.DeepEqual(a.Names(), b.Names()) {
				t.Fatalf("kustomize builds %v, Helm renders %v", a.Names(), b.Names())
			}
			for _, name := range a.Names() {
				if x, y := plain(t, a[name]), plain(t, b[name]); !reflect.DeepEqual(x, y) {
					t.Errorf("%s: kustomize:\n%s\nHelm:\n%s", name, text(t, x), text(t, y))
				}
			}
		})
	}
}

func TestTheChartGoesIntoAnyNamespace(t *testing.T) {
	for name, object := range helm(t, "guard", map[string]any{"certManager": true, "api": true}) {
		if strings.Contains(name, " sealgate/") {
			t.Errorf("%s is in the namespace of another installation", name)
		}
		if object["kind"] != "ValidatingWebhookConfiguration" {
			continue
		}
		for _, hook := range hooks(object) {
			service := hook["clientConfig"].(map[string]any)["service"].(map[string]any)
			if service["namespace"] != "guard" {
				t.Errorf("%s asks in namespace %v", hook["name"], service["namespace"])
			}
		}
		if exempt := exempted(t, hooks(object)[0]); !contains(exempt, "guard") {
			t.Errorf("sealgate guards itself: only %v are left out", exempt)
		}
	}
}

func TestTheChartRefusesValuesThatItDoesNotKnow(t *testing.T) {
	for _, values := range []map[string]any{{"defaultAction": "Deny"}, {"failurepolicy": "Ignore"}, {"storage": map[string]any{"sise": "1Gi"}}} {
		if _, err := Helm(chart, "sealgate", "sealgate", values); err == nil {
			t.Errorf("takes %v", values)
		}
	}
}

func hooks(registration map[string]any) []map[string]any {
	var out []map[string]any
	for _, hook := range registration["webhooks"].([]any) {
		out = append(out, hook.(map[string]any))
	}
	return out
}

func texts(list any) []string {
	var out []string
	for _, item := range list.([]any) {
		out = append(out, item.(string))
	}
	return out
}

func contains(list []string, text string) bool {
	for _, item := range list {
		if item == text {
			return true
		}
	}
	return false
}

func exempted(t *testing.T, hook map[string]any) []string {
	t.Helper()
	selector := hook["namespaceSelector"].(map[string]any)["matchExpressions"].([]any)
	if len(selector) != 1 {
		t.Fatalf("one expression is expected: %v", selector)
	}
	expression := selector[0].(map[string]any)
	if expression["key"] != "kubernetes.io/metadata.name" || expression["operator"] != "NotIn" {
		t.Errorf("namespaces are left out by something that their users can set: %v", expression)
	}
	return texts(expression["values"])
}

func registration(t *testing.T) []map[string]any {
	t.Helper()
	return hooks(kustomize(t)["ValidatingWebhookConfiguration /sealgate"])
}

// A cluster that was switched off starts again: what sealgate needs to run is not asked about.
func TestSealgateCanStartWithoutBeingAsked(t *testing.T) {
	for _, hook := range registration(t) {
		covers := false
		for _, rule := range hook["rules"].([]any) {
			groups := texts(rule.(map[string]any)["apiGroups"])
			covers = covers || contains(groups, "") || contains(groups, "*") || contains(groups, "apps")
		}
		if !covers {
			continue
		}
		exempt := exempted(t, hook)
		for _, namespace := range []string{"kube-system", "kube-node-lease", "sealgate"} {
			if !contains(exempt, namespace) {
				t.Errorf("%s: %s is not left out", hook["name"], namespace)
			}
		}
	}
}

func TestNothingThatOnlyWarnsRefuses(t *testing.T) {
	for _, hook := range registration(t) {
		for _, rule := range hook["rules"].([]any) {
			deletes := contains(texts(rule.(map[string]any)["operations"]), "DELETE")
			if policy := hook["failurePolicy"]; deletes == (policy == "Fail") {
				t.Errorf("%s: failurePolicy %v (deletes: %v)", hook["name"], policy, deletes)
			}
		}
		if hook["sideEffects"] != "None" || hook["matchPolicy"] != "Equivalent" || hook["timeoutSeconds"] != 5 {
			t.Errorf("%s: sideEffects, matchPolicy or timeoutSeconds", hook["name"])
		}
	}
}

type resource struct{ group, resource string }

func rulesOf(hook map[string]any) map[resource]bool {
	out := map[resource]bool{}
	for _, item := range hook["rules"].([]any) {
		rule := item.(map[string]any)
		for _, group := range texts(rule["apiGroups"]) {
			for _, name := range texts(rule["resources"]) {
				out[resource{group, name}] = true
			}
		}
	}
	return out
}

// {{"apps", "extensions"}, "ReplicaSet", "replicasets", ...
var row = regexp.MustCompile(`(?m)^\t\{\{("[^}]*)\}, "(\w+)", "(\w+)", ("[^"]*"|\w+),`)

type workload struct {
	groups         []string
	kind, resource string
	subresources   string
}

func workloads(t *testing.T) []workload {
	t.Helper()
	source, err := os.ReadFile(root + "/policy/workload.c")
	if err != nil {
		t.Fatal(err)
	}
	var out []workload
	for _, match := range row.FindAllStringSubmatch(string(source), -1) {
		var groups []string
		for _, group := range strings.Split(match[1], ",") {
			groups = append(groups, strings.Trim(group, ` "`))
		}
		out = append(out, workload{groups, match[2], match[3], match[4]})
	}
	if len(out) < 11 {
		t.Fatalf("the table of policy/workload.c is not read: %v", out)
	}
	return out
}

// A kind that sealgated judges and the API server doesn't ask about would be a hole.
func TestEveryWorkloadIsAskedAbout(t *testing.T) {
	asked := rulesOf(registration(t)[0])
	wanted := map[resource]bool{{"", "pods/ephemeralcontainers"}: true}
	for _, w := range workloads(t) {
		for _, group := range w.groups {
			wanted[resource{group, w.resource}] = true
		}
	}
	if !reflect.DeepEqual(asked, wanted) {
		t.Errorf("asked about: %v, judged: %v", asked, wanted)
	}
}

func TestTheSchemaNamesTheKindsThatAreJudged(t *testing.T) {
	crd := text(t, kustomize(t)["CustomResourceDefinition /clusterimagepolicies.sealgate.dev"])
	rule := regexp.MustCompile(`self in \[([^\]]*)\]`).FindStringSubmatch(strings.Join(strings.Fields(crd), " "))
	if rule == nil {
		t.Fatal("the rule about kinds is not there")
	}
	var named, judged []string
	for _, kind := range regexp.MustCompile(`[\w/]+`).FindAllString(rule[1], -1) {
		named = append(named, kind)
	}
	for _, w := range workloads(t) {
		for _, group := range w.groups {
			judged = append(judged, strings.TrimPrefix(group+"/"+w.kind, "/"))
		}
	}
	sort.Strings(named)
	sort.Strings(judged)
	if !reflect.DeepEqual(named, judged) {
		t.Errorf("the schema names %v, sealgated judges %v", named, judged)
	}
}

// What is asked of a restricted namespace, and of whoever guards a cluster.
func TestThePodMayNothingThatItDoesNotNeed(t *testing.T) {
	pod := kustomize(t)["Deployment sealgate/sealgate"]["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
	container := pod["containers"].([]any)[0].(map[string]any)
	for where, wanted := range map[*map[string]any]string{
		ref(pod["securityContext"]):       "fsGroup: 65532\nfsGroupChangePolicy: OnRootMismatch\nrunAsGroup: 65532\nrunAsNonRoot: true\nrunAsUser: 65532\nseccompProfile:\n  type: RuntimeDefault\n",
		ref(container["securityContext"]): "allowPrivilegeEscalation: false\ncapabilities:\n  drop:\n  - ALL\nreadOnlyRootFilesystem: true\n",
	} {
		if got := text(t, *where); got != wanted {
			t.Errorf("securityContext:\n%s", got)
		}
	}
	for _, name := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if pod[name] != nil {
			t.Errorf("%s is set", name)
		}
	}
	for _, name := range []string{"startupProbe", "readinessProbe", "livenessProbe", "resources"} {
		if container[name] == nil {
			t.Errorf("%s is missing", name)
		}
	}
}

func ref(value any) *map[string]any {
	out := value.(map[string]any)
	return &out
}

func TestNoRightIsWild(t *testing.T) {
	for name, object := range kustomize(t) {
		rules, ok := object["rules"].([]any)
		if !ok {
			continue
		}
		for _, item := range rules {
			for field, values := range item.(map[string]any) {
				if contains(texts(values), "*") {
					t.Errorf("%s: %s is wild", name, field)
				}
			}
		}
	}
}
