package bed

import (
	"encoding/base64"
	"os"

	"sigs.k8s.io/yaml"
)

// Manifests are those of this repository, seen from tests/cluster, where all programs of the bed are run.
const Manifests = "../../manifests"

// OwnRegistration is the label of namespaces that the bed's registration leaves to one of their own; its value names that.
const OwnRegistration = "bed.sealgate.dev/registration"

// Registration is a ValidatingWebhookConfiguration as `sealgate webhook-config` prints it, to be changed before it is applied.
type Registration map[string]any

// Registration asks the command line for one that leads to a sealgated.
func (t *Tools) Registration(g *Guard) (Registration, error) {
	text, err := t.Sealgate("webhook-config", "--ca", g.CA, "--url", g.URL())
	if err != nil {
		return nil, err
	}
	r := Registration{}
	return r, yaml.Unmarshal([]byte(text), &r)
}

// Installed is the registration of manifests/base, with a sealgated outside the cluster instead of the Service.
func Installed(g *Guard) (Registration, error) {
	text, err := os.ReadFile(Manifests + "/base/webhook.yaml")
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(g.CA)
	if err != nil {
		return nil, err
	}
	r := Registration{}
	if err := yaml.Unmarshal(text, &r); err != nil {
		return nil, err
	}
	for _, w := range r["webhooks"].([]any) {
		w.(map[string]any)["clientConfig"] = map[string]any{"url": g.URL(), "caBundle": base64.StdEncoding.EncodeToString(ca)}
	}
	return r, nil
}

// YAML is what kubectl takes.
func (r Registration) YAML() (string, error) {
	text, err := yaml.Marshal(map[string]any(r))
	return string(text), err
}

// Webhook is its first webhook, the one for workloads.
func (r Registration) Webhook() map[string]any { return r["webhooks"].([]any)[0].(map[string]any) }

// Named gives it another name.
func (r Registration) Named(name string) Registration {
	r["metadata"].(map[string]any)["name"] = name
	return r
}

// Select adds one expression to those that a namespace must fulfil for that webhook.
func (r Registration) Select(expression map[string]any) {
	selector := r.Webhook()["namespaceSelector"].(map[string]any)
	selector["matchExpressions"] = append(selector["matchExpressions"].([]any), expression)
}
