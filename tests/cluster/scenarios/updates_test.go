package scenarios

import (
	"fmt"
	"strings"
	"testing"

	"sealgate.dev/cluster/bed"
)

// The bed's Deployment named pay with one of the images.
func newDeployment(t *testing.T, image string) *space {
	t.Helper()
	s := newSpace(t, "test-updates", "")
	s.apply(workloadNamed("Deployment").with(image)).admitted()
	return s
}

// oldDeployment was made before anybody asked sealgate about its namespace.
func oldDeployment(t *testing.T) *space {
	t.Helper()
	s := newSpace(t, "test-old", "not-yet")
	s.apply(workloadNamed("Deployment").with(bed.Unsigned)).admitted()
	s.eventually("has a pod", func() bool { return len(s.pods()) == 1 })
	s.guardFromNow()
	return s
}

// guardFromNow hands the namespace to the bed's registration.
func (s *space) guardFromNow() {
	s.t.Helper()
	s.kubectl("label", "namespace", s.name, bed.OwnRegistration+"-").admitted()
	s.awaitGuard()
}

func TestANewImageIsJudged(t *testing.T) {
	t.Parallel()
	s := newDeployment(t, bed.Signed)
	s.kubectl("set", "image", "deployment/pay", "main="+bed.SignedNext).admitted()
	s.kubectl("set", "image", "deployment/pay", "main="+bed.Unsigned).refused(bed.Unsigned)
	s.kubectl("rollout", "undo", "deployment/pay").admitted("rolled back")
	s.eventually("has the first image again", func() bool {
		return strings.Contains(s.kubectl("get", "deployment/pay", "-o", "jsonpath={..image}").text, bed.Signed)
	})
}

func TestEveryWayToPatchIsJudged(t *testing.T) {
	t.Parallel()
	whole := workloadNamed("Deployment").with
	byName := func(image string) string {
		return fmt.Sprintf(`{"spec":{"template":{"spec":{"containers":[{"name":"main","image":"%s"}]}}}}`, image)
	}
	byPlace := func(image string) string {
		return fmt.Sprintf(`[{"op":"replace","path":"/spec/template/spec/containers/0/image","value":"%s"}]`, image)
	}
	ways := map[string]func(s *space, image string) answer{
		"strategic": func(s *space, image string) answer { return s.kubectl("patch", "deployment/pay", "-p", byName(image)) },
		"merge": func(s *space, image string) answer {
			return s.kubectl("patch", "deployment/pay", "--type=merge", "-p", byName(image))
		},
		"json": func(s *space, image string) answer {
			return s.kubectl("patch", "deployment/pay", "--type=json", "-p", byPlace(image))
		},
		"apply": func(s *space, image string) answer { return s.apply(whole(image)) },
		"server-side apply": func(s *space, image string) answer {
			return s.kubectlWith(whole(image), "apply", "--server-side", "--force-conflicts", "-f", "-")
		},
		"replace": func(s *space, image string) answer { return s.kubectlWith(whole(image), "replace", "-f", "-") },
		"dry run": func(s *space, image string) answer {
			return s.kubectlWith(whole(image), "apply", "--dry-run=server", "-f", "-")
		},
	}
	for name, change := range ways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDeployment(t, bed.Signed)
			change(s, bed.Unsigned).refused(bed.Unsigned, "spec.template.spec.containers[0].image")
			change(s, bed.SignedNext).admitted()
		})
	}
}

func TestADryRunIsAnsweredAndLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newSpace(t, "test-dry", "")
	for _, w := range workloads {
		s.kubectlWith(w.with(bed.Unsigned), "create", "--dry-run=server", "-f", "-").refused(bed.Unsigned)
		s.kubectlWith(w.with(bed.Signed), "create", "--dry-run=server", "-f", "-").admitted("server dry run")
	}
	if n := cluster.Guard.Decisions(s.name); n != 0 {
		t.Errorf("%d decisions about dry runs are in the log", n)
	}
}

func TestAGeneratedNameIsJudged(t *testing.T) {
	t.Parallel()
	s := newSpace(t, "test-generated", "")
	manifest := func(image string) string {
		return strings.Replace(workloadNamed("Pod").with(image), "name: pay", "generateName: pay-", 1)
	}
	s.kubectlWith(manifest(bed.Unsigned), "create", "-f", "-").refused(bed.Unsigned)
	s.kubectlWith(manifest(bed.Signed), "create", "-f", "-").admitted("pod/pay-")
}

func TestADebugContainerIsJudged(t *testing.T) {
	t.Parallel()
	s := newSpace(t, "test-debug", "")
	s.apply(workloadNamed("Pod").with(bed.Signed)).admitted()
	s.kubectl("debug", "pay", "--image="+bed.Unsigned, "--attach=false").refused("spec.ephemeralContainers[0].image")
	s.kubectl("debug", "pay", "--image="+bed.SignedNext, "--attach=false").admitted()
}

// What runs already isn't touched: it can be labelled, scaled down, finished and deleted, but brings no further pod.
func TestAnObjectFromBeforeThePolicyCanBeManaged(t *testing.T) {
	t.Parallel()
	s := oldDeployment(t)
	s.kubectl("label", "deployment/pay", "owner=me").admitted()
	s.kubectl("annotate", "pods", "--all", "seen=yes").admitted()
	s.kubectl("scale", "deployment/pay", "--replicas=2").admitted()
	s.event("ReplicaSet", "No matched signatures for container image: "+bed.Unsigned)
	if n := len(s.pods()); n != 1 {
		t.Errorf("%d pods instead of the one from before", n)
	}
	s.kubectl("set", "image", "deployment/pay", "main="+bed.Signed).admitted()
	s.eventually("runs the signed image", func() bool {
		for _, pod := range s.pods() {
			if pod.Spec.Containers[0].Image == bed.Signed {
				return true
			}
		}
		return false
	})
	s.kubectl("rollout", "undo", "deployment/pay").refused(bed.Unsigned)
	s.kubectl("delete", "deployment/pay", "--cascade=foreground", "--timeout=20s").admitted()
}

func TestFinalizersOfARefusedObjectCanBeTakenAway(t *testing.T) {
	t.Parallel()
	s := newSpace(t, "test-finalizers", "not-yet")
	held := strings.Replace(workloadNamed("Pod").with(bed.Unsigned), "name: pay", "name: pay, finalizers: [bed.sealgate.dev/held]", 1)
	s.apply(held).admitted()
	s.guardFromNow()
	s.kubectl("delete", "pod/pay", "--wait=false").admitted()
	another := `[{"op":"replace","path":"/spec/containers/0/image","value":"` + bed.Unsigned + `0"}]`
	s.kubectl("patch", "pod/pay", "--type=json", "-p", another).refused()
	s.kubectl("patch", "pod/pay", "--type=merge", "-p", `{"metadata":{"finalizers":null}}`).admitted()
	s.eventually("has no pod", func() bool { return len(s.pods()) == 0 })
}

func TestANamespaceOfRefusedObjectsCanBeDeleted(t *testing.T) {
	t.Parallel()
	s := oldDeployment(t)
	s.kubectl("delete", "namespace", s.name, "--timeout=60s").admitted("deleted")
}
