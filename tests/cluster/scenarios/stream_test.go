package scenarios

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sealgate.dev/cluster/bed"
)

// stream creates pods from several clients until it is stopped, signed and unsigned ones in turn.
type stream struct {
	s       *space
	ctx     context.Context
	cancel  context.CancelFunc
	clients sync.WaitGroup

	mutex    sync.Mutex
	admitted int
	refused  int      // unsigned ones, by sealgate
	failed   []string // why signed ones were not created
	breaches []string // unsigned ones that were created
}

func newStream(s *space, clients int) *stream {
	st := &stream{s: s}
	st.ctx, st.cancel = context.WithCancel(context.Background())
	for range clients {
		st.clients.Add(1)
		go st.create()
	}
	s.t.Cleanup(st.cancel)
	return st
}

func (st *stream) create() {
	defer st.clients.Done()
	for st.ctx.Err() == nil {
		signed, unsigned := st.pod(bed.Signed), st.pod(bed.Unsigned)
		if st.ctx.Err() == nil {
			st.count(signed, unsigned)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// pod is what the API server answers to one. A pod that nobody waits for stops no other.
func (st *stream) pod(image string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "pay-"},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image}}}}
	created, err := st.s.client.CoreV1().Pods(st.s.name).Create(ctx, pod, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if image != bed.Signed {
		return nil
	}
	none := int64(0)
	_ = st.s.client.CoreV1().Pods(st.s.name).Delete(ctx, created.Name, metav1.DeleteOptions{GracePeriodSeconds: &none})
	return nil
}

func (st *stream) count(signed, unsigned error) {
	st.mutex.Lock()
	defer st.mutex.Unlock()
	if signed == nil {
		st.admitted++
	} else {
		st.failed = append(st.failed, signed.Error())
	}
	if unsigned == nil {
		st.breaches = append(st.breaches, time.Now().String())
	} else if strings.Contains(unsigned.Error(), "denied the request") {
		st.refused++
	}
}

// flows waits until `more` further signed pods were admitted and as many unsigned ones refused.
func (st *stream) flows(more int) {
	st.s.t.Helper()
	admitted, refused := st.counts()
	within(st.s.t, 2*time.Minute, fmt.Sprintf("%d more pods in %s", more, st.s.name), func() bool {
		a, r := st.counts()
		return a >= admitted+more && r >= refused+more
	})
}

func (st *stream) counts() (admitted, refused int) {
	st.mutex.Lock()
	defer st.mutex.Unlock()
	return st.admitted, st.refused
}

// failures are those so far.
func (st *stream) failures() int {
	st.mutex.Lock()
	defer st.mutex.Unlock()
	return len(st.failed)
}

// end stops it and fails the test when an unsigned pod was admitted, or is there.
func (st *stream) end() {
	st.s.t.Helper()
	st.cancel()
	st.clients.Wait()
	if len(st.breaches) > 0 {
		st.s.t.Errorf("%d unsigned pods were admitted: %v", len(st.breaches), st.breaches)
	}
	st.s.neverRuns(bed.Unsigned)
}

// endWithout also fails it when a signed pod was not admitted.
func (st *stream) endWithoutFailure() {
	st.s.t.Helper()
	st.end()
	if n := len(st.failed); n > 0 {
		st.s.t.Errorf("%d of %d signed pods were not admitted, the first because: %s", n, n+st.admitted, st.failed[0])
	}
}

// newGuard starts a sealgated of the test's own, with the bed's policies and signatures, and asks it about namespaces that name it.
func newGuard(t *testing.T, name string, change func(r bed.Registration)) *bed.Guard {
	t.Helper()
	g := startGuard(t)
	guardedBy(t, g, name, change)
	return g
}

func startGuard(t *testing.T) *bed.Guard {
	t.Helper()
	g, err := cluster.NewGuard(t.TempDir(), "--policy-dir", cluster.Policies)
	must(t, err)
	must(t, g.Start())
	t.Cleanup(func() { g.Process.Stop(10 * time.Second) })
	must(t, g.Sign(bed.Signed, bed.SignedNext))
	return g
}
