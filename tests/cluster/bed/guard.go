package bed

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// Guard is one sealgated with a data directory of its own. Its addresses are the same after a restart.
type Guard struct {
	*Process
	Dir     string
	Webhook string // HOST:PORT; the API and the ops listener likewise
	API     string
	Ops     string
	CA      string // the file that its certificate chains to
	tools   *Tools
	flags   []string
}

// NewGuard makes a directory with certificates and chooses ports. `flags` follow those that every sealgated needs.
func (t *Tools) NewGuard(dir string, flags ...string) (*Guard, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	certs := filepath.Join(dir, "certs")
	if _, err := t.Sealgate("certs", "init", "--dir", certs, "--san", "sealgate.test"); err != nil {
		return nil, err
	}
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	at := func(i int) string { return fmt.Sprintf("127.0.0.1:%d", ports[i]) }
	return &Guard{Dir: dir, Webhook: at(0), API: at(1), Ops: at(2), CA: filepath.Join(certs, "ca.pem"), tools: t, flags: flags}, nil
}

// Start starts it and returns once it is ready.
func (g *Guard) Start() error {
	if err := g.Launch(); err != nil {
		return err
	}
	return g.Wait()
}

// Launch starts it and doesn't wait.
func (g *Guard) Launch() error {
	flags := []string{g.tools.sealgated, "--data-dir", filepath.Join(g.Dir, "data"), "--webhook-listen", g.Webhook, "--api-listen", g.API,
		"--ops-listen", g.Ops, "--tls-cert", g.File("certs/server.pem"), "--tls-key", g.File("certs/server-key.pem")}
	var err error
	g.Process, err = startProcess("sealgated", g.File("sealgated.log"), nil, append(flags, g.flags...)...)
	return err
}

// Wait returns once it is ready.
func (g *Guard) Wait() error {
	return g.await("ready", 30*time.Second, func() bool { return answersOK(http.DefaultClient, "http://"+g.Ops+"/readyz") })
}

// Restart ends it as an operator would and starts it again.
func (g *Guard) Restart() error {
	g.Stop(patience)
	return g.Start()
}

// File is a path in its directory.
func (g *Guard) File(name string) string { return filepath.Join(g.Dir, name) }

// URL is where an API server asks it.
func (g *Guard) URL() string { return "https://" + g.Webhook + "/validate" }

// TakeCertificates gives it those of another, with which both can stand behind one address.
func (g *Guard) TakeCertificates(from *Guard) error {
	g.CA = from.CA
	for _, name := range []string{"certs/server.pem", "certs/server-key.pem"} {
		text, err := os.ReadFile(from.File(name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(g.File(name), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Sign makes the note, when it isn't there, and uploads an attestation for each image.
func (g *Guard) Sign(images ...string) error {
	_, _ = g.tools.Sealgate("note", "create", Note, "--server", "http://"+g.API)
	for _, image := range images {
		if _, err := g.tools.Sealgate("sign", image, "--key", Signer, "--note", Note, "--server", "http://"+g.API); err != nil {
			return err
		}
	}
	return nil
}

// Decisions counts the lines of its log about objects of a namespace: those that it was asked about, dry runs aside.
func (g *Guard) Decisions(namespace string) int {
	line := regexp.MustCompile(`(?m)^.*"msg":"decision".*"namespace":"` + regexp.QuoteMeta(namespace) + `".*$`)
	return len(line.FindAllString(g.Output(), -1))
}
