package scenarios

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"sealgate.dev/cluster/bed"
)

const busy = 4 // clients of a stream that has to reach every moment of a restart

// The next two stop what all others need, and so run before them.

func TestEtcdRestartsUnderAStream(t *testing.T) {
	s := newSpace(t, "test-etcd", "")
	st := newStream(s, busy)
	st.flows(20)
	cluster.Plane.Etcd.Stop(10 * time.Second)
	must(t, cluster.Plane.StartEtcd())
	must(t, cluster.Plane.WaitEtcd())
	st.flows(20)
	st.end()
}

// Everything is off, and then on again in the worst order: whom everybody asks comes last.
func TestAColdStartBlocksNothing(t *testing.T) {
	s := newSpace(t, "test-cold", "")
	s.apply(workloadNamed("Deployment").with(bed.Signed)).admitted()
	cluster.Plane.Stop()
	cluster.Guard.Process.Stop(10 * time.Second)
	must(t, cluster.Plane.Start())
	s.apply(workloadNamed("StatefulSet").with(bed.Signed)).says("failed calling webhook")
	s.kubectl("create", "configmap", "anything").admitted()
	must(t, cluster.Guard.Start())
	s.apply(workloadNamed("StatefulSet").with(bed.Signed)).admitted()
	s.eventually("has both pods", func() bool { return len(s.pods()) == 2 })
	s.apply(workloadNamed("Pod").with(bed.Unsigned)).refused()
}

// Fail means: without an answer nobody gets in, signed or not.
func TestNothingIsAdmittedWhileSealgatedRestarts(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]syscall.Signal{"stopped": syscall.SIGTERM, "killed": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGuard(t, "restarted-"+name, nil)
			s := newSpace(t, "test-"+name, "restarted-"+name)
			st := newStream(s, busy)
			st.flows(20)
			must(t, g.Signal(signal))
			s.eventually("notices that nobody answers", func() bool { return st.failures() >= busy })
			g.Process.Stop(10 * time.Second)
			must(t, g.Start())
			st.flows(20)
			st.end()
			if !strings.Contains(st.failed[0], "failed calling webhook") {
				t.Errorf("refused for another reason: %s", st.failed[0])
			}
		})
	}
}

// Two behind one address: one can be replaced at a time, and nobody notices. As docs/OPERATIONS.md asks, a replica gets no new
// connections any more before it is told to end; those that it has are drained. It runs before the others: who has no processor while a
// resting connection is closed may still write to it.
func TestOneOfTwoSealgatedRestartsUnnoticed(t *testing.T) {
	one, other := startGuard(t), startGuard(t)
	must(t, other.TakeCertificates(one))
	must(t, other.Restart())
	door := newDoor(t, one.Webhook, other.Webhook)
	guardedBy(t, one, "pair", func(r bed.Registration) {
		r.Webhook()["clientConfig"].(map[string]any)["url"] = "https://" + door.Address + "/validate"
	})
	s := newSpace(t, "test-pair", "pair")
	st := newStream(s, busy)
	for _, g := range []*bed.Guard{one, other, one, other} {
		st.flows(20)
		door.forget(g.Webhook)
		st.flows(5)
		must(t, g.Restart())
		door.know(g.Webhook)
	}
	st.flows(20)
	st.endWithoutFailure()
}

func TestAnAPIServerRestartsUnderAStream(t *testing.T) {
	t.Parallel()
	second, err := cluster.Plane.NewAPIServer("apiserver-restarted")
	must(t, err)
	must(t, second.Start())
	t.Cleanup(func() { second.Process.Stop(10 * time.Second) })
	must(t, second.Wait())
	st := newStream(newSpace(t, "test-apiserver", "").through(second), busy)
	st.flows(20)
	must(t, second.Restart())
	st.flows(20)
	st.end()
}
