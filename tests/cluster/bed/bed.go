// Package bed runs a real Kubernetes control plane on loopback with sealgated before it: nothing in between is ours.
package bed

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// Bed is a control plane, a sealgated with policies, and the registration of one with the other.
type Bed struct {
	*Tools
	Dir      string
	Plane    *ControlPlane
	Guard    *Guard
	Policies string // the directory that sealgated follows
	allow    *Process
}

// Names of namespaces choose the policy: warn-* and audit-* only tell, all others refuse.
const policies = `apiVersion: sealgate.dev/v1alpha1
kind: Attestor
metadata:
  name: qa
spec:
  note: ` + Note + `
  publicKeys:
  - name: qa-bob
    openpgp: |
KEY
---
apiVersion: sealgate.dev/v1alpha1
kind: ClusterImagePolicy
metadata: {name: tested}
spec:
  match: {namespaces: ["test-*", default]}
  require: {attestations: [{attestors: [qa]}]}
---
apiVersion: sealgate.dev/v1alpha1
kind: ClusterImagePolicy
metadata: {name: tested-soon}
spec:
  match: {namespaces: ["warn-*"]}
  enforcement: Warn
  require: {attestations: [{attestors: [qa]}]}
---
apiVersion: sealgate.dev/v1alpha1
kind: ClusterImagePolicy
metadata: {name: tested-some-day}
spec:
  match: {namespaces: ["audit-*"]}
  enforcement: Audit
  require: {attestations: [{attestors: [qa]}]}
`

// A DaemonSet has a pod for each node. Nobody runs this one's: pods are admitted and stay pending.
const node = `{apiVersion: v1, kind: Node, metadata: {name: bed}}`

// Start starts all of it below `dir`. `program` is the control plane's, `build` holds ours. What was started is stopped when it fails.
func Start(dir, build, program string) (*Bed, error) {
	b := &Bed{Dir: dir, Policies: filepath.Join(dir, "policies")}
	if err := b.start(build, program); err != nil {
		b.Stop()
		return nil, err
	}
	return b, nil
}

func (b *Bed) start(build, program string) error {
	var err error
	if b.Tools, err = newTools(b.Dir, build, program); err != nil {
		return err
	}
	if b.Plane, err = newControlPlane(filepath.Join(b.Dir, "plane"), program); err != nil {
		return err
	}
	if err = b.WritePolicies(b.Policies); err != nil {
		return err
	}
	if b.Guard, err = b.NewGuard(filepath.Join(b.Dir, "sealgated"), "--policy-dir", b.Policies); err != nil {
		return err
	}
	if err = b.Guard.Launch(); err != nil {
		return err
	}
	if err = b.Plane.Start(); err != nil {
		return err
	}
	if err = b.Guard.Wait(); err != nil {
		return err
	}
	if err = b.Guard.Sign(Signed, SignedNext); err != nil {
		return err
	}
	if _, err = b.Kubectl(b.Plane.Server.Kubeconfig, node, "create", "-f", "-"); err != nil {
		return err
	}
	return b.register()
}

// WritePolicies puts the bed's policies into a directory.
func (b *Bed) WritePolicies(dir string) error {
	key, err := b.PublicKey()
	if err != nil {
		return err
	}
	indented := "      " + strings.ReplaceAll(strings.TrimSpace(key), "\n", "\n      ")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "bed.yaml"), []byte(strings.Replace(policies, "KEY", indented, 1)), 0o600)
}

// register makes the policy objects known, and has the API server ask sealgated about every namespace that has no registration of its own.
func (b *Bed) register() error {
	if _, err := b.Kubectl(b.Plane.Server.Kubeconfig, "", "apply", "-k", Manifests+"/crds"); err != nil {
		return err
	}
	r, err := Installed(b.Guard)
	if err != nil {
		return err
	}
	r.Select(map[string]any{"key": OwnRegistration, "operator": "DoesNotExist"})
	return b.Apply(r)
}

// Apply gives a registration to the API server and returns once calls follow it.
func (b *Bed) Apply(r Registration) error {
	text, err := r.YAML()
	if err != nil {
		return err
	}
	if out, err := b.Kubectl(b.Plane.Server.Kubeconfig, text, "apply", "-f", "-"); err != nil {
		return fmt.Errorf("registration: %w: %s", err, out)
	}
	return nil
}

// StartAllow starts the program that allows everything, with the certificate of the bed's sealgated, and returns its address.
func (b *Bed) StartAllow(program string) (string, error) {
	ports, err := freePorts(1)
	if err != nil {
		return "", err
	}
	address := fmt.Sprintf("127.0.0.1:%d", ports[0])
	b.allow, err = startProcess("allow", filepath.Join(b.Dir, "allow.log"), nil, program, address,
		b.Guard.File("certs/server.pem"), b.Guard.File("certs/server-key.pem"))
	if err != nil {
		return "", err
	}
	return address, b.allow.await("listening", startLimit, func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
}

// Stop ends everything, in whatever state it is.
func (b *Bed) Stop() {
	if b.Plane != nil {
		b.Plane.Stop()
	}
	if b.Guard != nil {
		b.Guard.Process.Stop(patience)
	}
	b.allow.Stop(patience)
	if b.Tools != nil {
		b.stop()
	}
}
