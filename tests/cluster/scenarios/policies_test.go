package scenarios

import (
	"strings"
	"testing"

	"sealgate.dev/cluster/bed"
)

func TestAWarningIsShownByKubectl(t *testing.T) {
	t.Parallel()
	s := newSpace(t, "warn", "")
	finding := "Warning: No matched signatures for container image: " + bed.Unsigned
	s.apply(workloadNamed("Deployment").with(bed.Unsigned)).admitted(finding, "policy tested-soon", "deployment.apps/pay created")
	s.kubectl("run", "shell", "--image="+bed.Unsigned, "--dry-run=server").admitted(finding)
	s.eventually("has a pod", func() bool { return len(s.pods()) == 1 })
}

func TestWhatIsOnlyAuditedShowsNothing(t *testing.T) {
	t.Parallel()
	s := newSpace(t, "audit", "")
	a := s.apply(workloadNamed("Deployment").with(bed.Unsigned))
	a.admitted("deployment.apps/pay created")
	if strings.Contains(a.text, "Warning") {
		t.Errorf("kubectl shows: %s", a.text)
	}
}

// A tag is no promise; the message says what to do.
func TestATagIsRefused(t *testing.T) {
	t.Parallel()
	s := newSpace(t, "test-tag", "")
	s.kubectl("create", "deployment", "web", "--image=nginx:1.29").refused("Container image has no digest: nginx:1.29")
}
