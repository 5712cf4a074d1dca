package scenarios

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"sealgate.dev/cluster/bed"
)

// space is a namespace of one test, as somebody with a kubeconfig sees it.
type space struct {
	t          *testing.T
	name       string
	kubeconfig string
	client     *kubernetes.Clientset
}

// answer is what kubectl said.
type answer struct {
	t       *testing.T
	command string
	text    string
	err     error
}

var spaces atomic.Int64

// newSpace makes a namespace NAME-N that pods can be created in. `registration` is that of its own, or "" for the bed's.
func newSpace(t *testing.T, name, registration string) *space {
	t.Helper()
	s := &space{t: t, name: fmt.Sprintf("%s-%d", name, spaces.Add(1)), kubeconfig: cluster.Plane.Server.Kubeconfig}
	s.client = clientOf(t, cluster.Plane.Server)
	labels := map[string]string{}
	if registration != "" {
		labels[bed.OwnRegistration] = registration
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: s.name, Labels: labels}}
	_, err := s.client.CoreV1().Namespaces().Create(context.Background(), namespace, metav1.CreateOptions{})
	must(t, err)
	s.eventually("has a service account", func() bool {
		_, err := s.client.CoreV1().ServiceAccounts(s.name).Get(context.Background(), "default", metav1.GetOptions{})
		return err == nil
	})
	return s
}

// through is the same namespace as another API server serves it.
func (s *space) through(server *bed.APIServer) *space {
	s.t.Helper()
	return &space{s.t, s.name, server.Kubeconfig, clientOf(s.t, server)}
}

// clientOf is an administrator's, without a limit of its own on requests.
func clientOf(t *testing.T, server *bed.APIServer) *kubernetes.Clientset {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", server.Kubeconfig)
	must(t, err)
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	must(t, err)
	return client
}

func (s *space) kubectl(arguments ...string) answer { return s.kubectlWith("", arguments...) }

// kubectlWith gives it standard input.
func (s *space) kubectlWith(stdin string, arguments ...string) answer {
	s.t.Helper()
	text, err := cluster.Kubectl(s.kubeconfig, stdin, append([]string{"-n", s.name}, arguments...)...)
	return answer{s.t, "kubectl " + strings.Join(arguments, " "), text, err}
}

func (s *space) apply(manifest string) answer {
	s.t.Helper()
	return s.kubectlWith(manifest, "apply", "-f", "-")
}

// admitted fails the test unless the command did what it was asked; `texts` must stand in its output.
func (a answer) admitted(texts ...string) {
	a.t.Helper()
	if a.err != nil {
		a.t.Fatalf("should be admitted: %s\n%s", a.command, a.text)
	}
	a.says(texts...)
}

// refused fails the test unless sealgate refused it with these texts.
func (a answer) refused(texts ...string) {
	a.t.Helper()
	if a.err == nil {
		a.t.Fatalf("should be refused: %s\n%s", a.command, a.text)
	}
	a.says(append(texts, "denied the request")...)
}

func (a answer) says(texts ...string) {
	a.t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.text, text) {
			a.t.Fatalf("%s\nshould say: %s\nbut says:   %s", a.command, text, a.text)
		}
	}
}

// eventually waits for what a controller or a watch will bring.
func (s *space) eventually(what string, done func() bool) {
	s.t.Helper()
	within(s.t, time.Minute, s.name+" "+what, done)
}

func within(t *testing.T, limit time.Duration, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("not within %s: %s", limit, what)
}

// pods are those that are there, or none.
func (s *space) pods() []corev1.Pod {
	list, err := s.client.CoreV1().Pods(s.name).List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return nil
	}
	return list.Items
}

// runs fails the test when a pod with this image is stored.
func (s *space) neverRuns(image string) {
	s.t.Helper()
	for _, pod := range s.pods() {
		for _, c := range pod.Spec.Containers {
			if c.Image == image {
				s.t.Fatalf("pod %s runs %s", pod.Name, image)
			}
		}
	}
}

// event waits for one whose message has this text, about an object of the kind.
func (s *space) event(kind, text string) {
	s.t.Helper()
	s.eventually("has an event on a "+kind+": "+text, func() bool {
		list, err := s.client.CoreV1().Events(s.name).List(context.Background(), metav1.ListOptions{})
		if err != nil {
			return false
		}
		for _, e := range list.Items {
			if e.InvolvedObject.Kind == kind && strings.Contains(e.Message, text) {
				return true
			}
		}
		return false
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
