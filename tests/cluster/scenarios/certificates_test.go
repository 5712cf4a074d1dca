package scenarios

import (
	"crypto/tls"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sealgate.dev/cluster/bed"
)

// serial is that of the certificate that a new connection is shown.
func serial(t *testing.T, g *bed.Guard) string {
	t.Helper()
	c, err := tls.Dial("tcp", g.Webhook, &tls.Config{InsecureSkipVerify: true})
	must(t, err)
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// another waits until sealgated shows another certificate than before.
func another(t *testing.T, g *bed.Guard, before string) {
	t.Helper()
	within(t, time.Minute, "the new certificate is shown", func() bool { return serial(t, g) != before })
}

func TestTheServingCertificateIsRenewedUnderLoad(t *testing.T) {
	t.Parallel()
	g := newGuard(t, "renewed", nil)
	st := newStream(newSpace(t, "test-renewed", "renewed"), busy)
	for range 2 {
		st.flows(10)
		before := serial(t, g)
		_, err := cluster.Sealgate("certs", "renew", "--dir", g.File("certs"))
		must(t, err)
		another(t, g, before)
	}
	st.flows(20)
	st.endWithoutFailure()
}

// First both CAs are trusted, then the certificate changes, then the old CA goes.
func TestTheCAIsReplacedUnderLoad(t *testing.T) {
	t.Parallel()
	g := newGuard(t, "new-ca", nil)
	s := newSpace(t, "test-new-ca", "new-ca")
	st := newStream(s, busy)
	st.flows(10)
	next := filepath.Join(t.TempDir(), "certs")
	_, err := cluster.Sealgate("certs", "init", "--dir", next)
	must(t, err)
	trust(s, g, "both", g.CA, filepath.Join(next, "ca.pem"))
	before := serial(t, g)
	for _, name := range []string{"server.pem", "server-key.pem"} {
		must(t, os.Rename(filepath.Join(next, name), g.File("certs/"+name)))
	}
	another(t, g, before)
	trust(s, g, "next", filepath.Join(next, "ca.pem"))
	st.flows(20)
	st.endWithoutFailure()
}

// trust puts CAs into the registration and waits until calls follow it: the webhook's name, which a refusal tells, changes with them.
func trust(s *space, g *bed.Guard, name string, files ...string) {
	s.t.Helper()
	var bundle strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		must(s.t, err)
		bundle.Write(text)
	}
	guardedBy(s.t, g, "new-ca", func(r bed.Registration) {
		r.Webhook()["name"] = name + ".sealgate.dev"
		r.Webhook()["clientConfig"].(map[string]any)["caBundle"] = base64.StdEncoding.EncodeToString([]byte(bundle.String()))
	})
	s.eventually("is asked through "+name, func() bool {
		return strings.Contains(s.kubectl("run", "probe", "--dry-run=server", "--image="+bed.Unsigned).text, name+".sealgate.dev")
	})
}
