package scenarios

import (
	"syscall"
	"testing"

	"sealgate.dev/cluster/bed"
)

// A server that takes connections and says nothing is worse than none: timeoutSeconds bounds it, and then Fail refuses.
func TestASilentSealgatedIsARefusal(t *testing.T) {
	t.Parallel()
	g := newGuard(t, "silent", func(r bed.Registration) { r.Webhook()["timeoutSeconds"] = 1 })
	s := newSpace(t, "test-silent", "silent")
	s.awaitGuard()
	must(t, g.Signal(syscall.SIGSTOP))
	a := s.apply(workloadNamed("Deployment").with(bed.Signed))
	if a.err == nil {
		t.Fatalf("admitted by nobody: %s", a.text)
	}
	a.says("failed calling webhook", "?timeout=1s")
	must(t, g.Signal(syscall.SIGCONT))
	s.apply(workloadNamed("Deployment").with(bed.Signed)).admitted()
	s.apply(workloadNamed("Pod").with(bed.Unsigned)).refused()
}

// Ignore is what it says, and the audit log tells.
func TestIgnoreAdmitsUnseenAndTheAuditLogTells(t *testing.T) {
	t.Parallel()
	g := newGuard(t, "ignored", func(r bed.Registration) { r.Webhook()["failurePolicy"] = "Ignore" })
	s := newSpace(t, "test-ignored", "ignored")
	s.awaitGuard()
	g.Kill()
	s.apply(workloadNamed("Pod").with(bed.Unsigned)).admitted()
	s.audited("pods", "pay", "failed-open.validating.webhook.admission.k8s.io/round_0_index_0", "validate.sealgate.dev")
}

func TestABurstIsAnsweredRight(t *testing.T) {
	t.Parallel()
	st := newStream(newSpace(t, "test-burst", ""), 64)
	st.flows(400)
	st.endWithoutFailure()
}
