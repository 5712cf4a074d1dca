package scenarios

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"sealgate.dev/cluster/bed"
)

// ownRegistration applies one for the namespaces that name it.
func ownRegistration(t *testing.T, name string, change func(r bed.Registration)) {
	t.Helper()
	guardedBy(t, cluster.Guard, name, change)
}

// guardedBy is the same with another sealgated.
func guardedBy(t *testing.T, guard *bed.Guard, name string, change func(r bed.Registration)) {
	t.Helper()
	r, err := cluster.Registration(guard)
	must(t, err)
	r.Named(name).Select(map[string]any{"key": bed.OwnRegistration, "operator": "In", "values": []any{name}})
	if change != nil {
		change(r)
	}
	must(t, cluster.Apply(r))
}

// awaitGuard returns once the API server follows the registration of this namespace.
func (s *space) awaitGuard() {
	s.t.Helper()
	s.eventually("is guarded", func() bool {
		return strings.Contains(s.kubectl("run", "probe", "--dry-run=server", "--image="+bed.Unsigned).text, "denied the request")
	})
}

func TestBothVersionsOfReviewsAreAnswered(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"v1", "v1beta1"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			ownRegistration(t, "reviews-"+version, func(r bed.Registration) { r.Webhook()["admissionReviewVersions"] = []any{version} })
			s := newSpace(t, "test-reviews", "reviews-"+version)
			s.awaitGuard()
			s.apply(workloadNamed("Deployment").with(bed.Unsigned)).refused("No matched signatures for container image: " + bed.Unsigned)
			s.apply(workloadNamed("Deployment").with(bed.Signed)).admitted()
		})
	}
}

func TestMatchConditionsDecideWhatIsAsked(t *testing.T) {
	t.Parallel()
	ownRegistration(t, "conditions", func(r bed.Registration) {
		r.Webhook()["matchConditions"] = []any{map[string]any{"name": "not-skipped", "expression": "object.metadata.name != 'skipped'"}}
	})
	s := newSpace(t, "test-conditions", "conditions")
	s.awaitGuard()
	s.kubectl("run", "skipped", "--image="+bed.Unsigned).admitted()
	if n := cluster.Guard.Decisions(s.name); n != 0 {
		t.Errorf("sealgated was asked %d times", n)
	}
	s.kubectl("run", "asked", "--image="+bed.Unsigned).refused(bed.Unsigned)
	if n := cluster.Guard.Decisions(s.name); n != 1 {
		t.Errorf("sealgated was asked %d times", n)
	}
}

const admissionConfiguration = `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: ImagePolicyWebhook
  configuration:
    imagePolicy: {kubeConfigFile: %q, allowTTL: -1, denyTTL: -1, retryBackoff: 50, defaultAllow: false}
`

const imagePolicyKubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: sealgate, cluster: {server: %q, certificate-authority: %q}}]
users: [{name: nobody}]
contexts: [{name: sealgate, context: {cluster: sealgate, user: nobody}}]
current-context: sealgate
`

// The older way to ask: by a plugin of the API server, about pods alone.
func TestTheImagePolicyWebhookPluginIsAnswered(t *testing.T) {
	t.Parallel()
	g := startGuard(t)
	second := imagePolicyServer(t, g)
	s := newSpace(t, "test-plugin", "nobody").through(second)
	s.kubectl("run", "signed", "--image="+bed.Signed).admitted()
	first := `spec: {initContainers: [{name: first, image: "` + bed.Unsigned + `"}], `
	for _, manifest := range []string{
		workloadNamed("Pod").with(bed.Unsigned), strings.Replace(workloadNamed("Pod").with(bed.Signed), "spec: {", first, 1),
	} {
		a := s.apply(manifest)
		a.says("image policy webhook backend denied one or more images", "No matched signatures for container image: "+bed.Unsigned)
	}
	s.kubectl("debug", "signed", "--image="+bed.Unsigned, "--attach=false").says("image policy webhook backend denied")
	g.Process.Stop(10 * time.Second)
	if a := s.kubectl("run", "late", "--image="+bed.Signed); a.err == nil {
		t.Errorf("admitted by nobody: %s", a.text)
	}
}

// imagePolicyServer is an API server whose plugin asks the sealgated.
func imagePolicyServer(t *testing.T, g *bed.Guard) *bed.APIServer {
	t.Helper()
	kubeconfig, configuration := g.File("image-policy.kubeconfig"), g.File("admission.yaml")
	must(t, os.WriteFile(kubeconfig, []byte(fmt.Sprintf(imagePolicyKubeconfig, "https://"+g.Webhook+"/image-review", g.CA)), 0o600))
	must(t, os.WriteFile(configuration, []byte(fmt.Sprintf(admissionConfiguration, kubeconfig)), 0o600))
	second, err := cluster.Plane.NewAPIServer("apiserver-plugin", "--enable-admission-plugins=ImagePolicyWebhook",
		"--admission-control-config-file="+configuration)
	must(t, err)
	must(t, second.Start())
	t.Cleanup(func() { second.Process.Stop(10 * time.Second) })
	must(t, second.Wait())
	return second
}
