package bed

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	startLimit = 90 * time.Second
	patience   = 15 * time.Second
)

// ControlPlane is etcd, an API server, the controller manager and the scheduler, all on loopback, each a process of the one program.
type ControlPlane struct {
	Dir        string
	program    string
	etcdPort   int
	peerPort   int
	Etcd       *Process
	Server     *APIServer
	Controller *Process
	Scheduler  *Process
}

// APIServer is one kube-apiserver. Several may share one etcd.
type APIServer struct {
	*Process
	Name       string
	Kubeconfig string // of an administrator
	AuditLog   string
	URL        string
	plane      *ControlPlane
	port       int
	flags      []string
}

// Levels of detail cost; metadata holds the annotations.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  verbs: [get, list, watch]
- level: Metadata
`

// newControlPlane makes certificates and configuration in `dir` and starts nothing.
func newControlPlane(dir, program string) (*ControlPlane, error) {
	p := &ControlPlane{Dir: dir, program: program}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	ca, err := newAuthority(dir)
	if err != nil {
		return nil, err
	}
	for _, c := range []struct{ name, user, group string }{
		{"serving", "kube-apiserver", "none"}, {"admin", "admin", "system:masters"},
		{"controller", "system:kube-controller-manager", "none"}, {"scheduler", "system:kube-scheduler", "none"},
	} {
		if err := ca.issue(c.name, c.user, c.group); err != nil {
			return nil, err
		}
	}
	if err := writeKeyPair(dir, "accounts"); err != nil {
		return nil, err
	}
	if err := os.WriteFile(p.file("audit-policy.yaml"), []byte(auditPolicy), 0o600); err != nil {
		return nil, err
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	p.etcdPort, p.peerPort = ports[0], ports[1]
	p.Server, err = p.NewAPIServer("apiserver")
	return p, err
}

func (p *ControlPlane) file(name string) string { return filepath.Join(p.Dir, name) }

// StartEtcd starts it, also again with what it holds.
func (p *ControlPlane) StartEtcd() error {
	client, peer := fmt.Sprintf("http://127.0.0.1:%d", p.etcdPort), fmt.Sprintf("http://127.0.0.1:%d", p.peerPort)
	var err error
	p.Etcd, err = startProcess("etcd", p.file("etcd.log"), nil, p.program, "etcd", "--data-dir", p.file("etcd"), "--log-level", "warn",
		"--unsafe-no-fsync", "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
		"--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer)
	return err
}

// WaitEtcd returns once it answers.
func (p *ControlPlane) WaitEtcd() error {
	return p.Etcd.await("ready", startLimit, func() bool {
		return answersOK(http.DefaultClient, fmt.Sprintf("http://127.0.0.1:%d/readyz", p.etcdPort))
	})
}

// NewAPIServer makes a further API server over the same etcd, with more flags. It has a kubeconfig and is not started.
func (p *ControlPlane) NewAPIServer(name string, flags ...string) (*APIServer, error) {
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	s := &APIServer{Name: name, plane: p, port: ports[0], flags: flags, URL: fmt.Sprintf("https://127.0.0.1:%d", ports[0]),
		AuditLog: p.file(name + "-audit.log"), Kubeconfig: p.file(name + ".kubeconfig")}
	return s, p.writeKubeconfig(s.Kubeconfig, s.URL, "admin")
}

// Start starts it; flags and addresses stay the same from one start to the next.
func (s *APIServer) Start() error {
	p := s.plane
	flags := []string{p.program, "kube-apiserver",
		fmt.Sprintf("--etcd-servers=http://127.0.0.1:%d", p.etcdPort), fmt.Sprintf("--secure-port=%d", s.port),
		"--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.0.0.0/24", "--authorization-mode=RBAC", "--client-ca-file=" + p.file("ca.pem"),
		"--tls-cert-file=" + p.file("serving.pem"), "--tls-private-key-file=" + p.file("serving-key.pem"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + p.file("accounts.pub"),
		"--service-account-signing-key-file=" + p.file("accounts.key"),
		"--audit-policy-file=" + p.file("audit-policy.yaml"), "--audit-log-path=" + s.AuditLog}
	var err error
	s.Process, err = startProcess(s.Name, p.file(s.Name+".log"), nil, append(flags, s.flags...)...)
	return err
}

// Wait returns once it is ready.
func (s *APIServer) Wait() error {
	client, err := s.plane.client("admin")
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	return s.await("ready", startLimit, func() bool { return answersOK(client, s.URL+"/readyz") })
}

// Restart ends it and starts it again.
func (s *APIServer) Restart() error {
	s.Stop(patience)
	if err := s.Start(); err != nil {
		return err
	}
	return s.Wait()
}

// StartControllers starts the controller manager and the scheduler. They wait for the API server by themselves.
func (p *ControlPlane) StartControllers() error {
	for _, name := range []string{"controller", "scheduler"} {
		if err := p.writeKubeconfig(p.file(name+".kubeconfig"), p.Server.URL, name); err != nil {
			return err
		}
	}
	var err error
	p.Controller, err = startProcess("controller-manager", p.file("controller-manager.log"), nil, p.program, "kube-controller-manager",
		"--kubeconfig="+p.file("controller.kubeconfig"), "--use-service-account-credentials=true", "--leader-elect=false",
		"--secure-port=0", "--service-account-private-key-file="+p.file("accounts.key"), "--root-ca-file="+p.file("ca.pem"),
		"--kube-api-qps=200", "--kube-api-burst=400")
	if err != nil {
		return err
	}
	p.Scheduler, err = startProcess("scheduler", p.file("scheduler.log"), nil, p.program, "kube-scheduler",
		"--kubeconfig="+p.file("scheduler.kubeconfig"), "--leader-elect=false", "--secure-port=0")
	return err
}

// StartControlPlane starts one below `dir`, without anything of ours.
func StartControlPlane(dir, program string) (*ControlPlane, error) {
	p, err := newControlPlane(dir, program)
	if err != nil {
		return nil, err
	}
	if err := p.Start(); err != nil {
		p.Stop()
		return nil, err
	}
	return p, nil
}

// Start starts all of it and waits for the API server.
func (p *ControlPlane) Start() error {
	if err := p.StartEtcd(); err != nil {
		return err
	}
	if err := p.WaitEtcd(); err != nil {
		return err
	}
	if err := p.Server.Start(); err != nil {
		return err
	}
	if err := p.Server.Wait(); err != nil {
		return err
	}
	return p.StartControllers()
}

// Stop ends all of it; what etcd holds stays.
func (p *ControlPlane) Stop() {
	p.Scheduler.Stop(patience)
	p.Controller.Stop(patience)
	if p.Server != nil {
		p.Server.Process.Stop(patience)
	}
	p.Etcd.Stop(patience)
}

const kubeconfig = `apiVersion: v1
kind: Config
clusters:
- name: bed
  cluster: {server: "SERVER", certificate-authority: "CA"}
users:
- name: me
  user: {client-certificate: "CERT", client-key: "KEY"}
contexts:
- name: bed
  context: {cluster: bed, user: me}
current-context: bed
`

func (p *ControlPlane) writeKubeconfig(path, server, user string) error {
	values := strings.NewReplacer("SERVER", server, "CA", p.file("ca.pem"), "CERT", p.file(user+".pem"), "KEY", p.file(user+"-key.pem"))
	return os.WriteFile(path, []byte(values.Replace(kubeconfig)), 0o600)
}

func (p *ControlPlane) client(user string) (*http.Client, error) {
	ca, err := os.ReadFile(p.file("ca.pem"))
	if err != nil {
		return nil, err
	}
	pair, err := tls.LoadX509KeyPair(p.file(user+".pem"), p.file(user+"-key.pem"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}}}, nil
}

func answersOK(client *http.Client, url string) bool {
	answer, err := client.Get(url)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}
