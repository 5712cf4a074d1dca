package scenarios

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"sealgate.dev/cluster/bed"
)

// audited waits for a line of the audit log about a request for this object with the annotation.
func (s *space) audited(resource, name, key, value string) {
	s.t.Helper()
	s.eventually("has in the audit log "+key+": "+value, func() bool {
		for _, annotations := range s.auditLines(resource, name) {
			if annotations[key] == value {
				return true
			}
		}
		return false
	})
}

// auditLines are the annotations of all requests for an object so far.
func (s *space) auditLines(resource, name string) []map[string]string {
	s.t.Helper()
	file, err := os.Open(cluster.Plane.Server.AuditLog)
	must(s.t, err)
	defer file.Close()
	var found []map[string]string
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var line struct {
			ObjectRef   struct{ Resource, Namespace, Name string }
			Annotations map[string]string
		}
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.ObjectRef.Namespace == s.name && line.ObjectRef.Resource == resource &&
			line.ObjectRef.Name == name {
			found = append(found, line.Annotations)
		}
	}
	return found
}

func TestTheAuditLogHoldsEveryDecision(t *testing.T) {
	t.Parallel()
	refusing, warning, watching := newSpace(t, "test-audit", ""), newSpace(t, "warn", ""), newSpace(t, "audit", "")
	for _, c := range []struct {
		s               *space
		decision, image string
		policy          string
	}{
		{refusing, "allow", bed.Signed, "tested"},
		{refusing, "deny", bed.Unsigned, "tested"},
		{warning, "warn", bed.Unsigned, "tested-soon"},
		{watching, "audit", bed.Unsigned, "tested-some-day"},
	} {
		c.s.kubectl("run", c.decision, "--image="+c.image)
		c.s.audited("pods", c.decision, "validate.sealgate.dev/decision", c.decision)
		c.s.audited("pods", c.decision, "validate.sealgate.dev/images", c.image)
		c.s.audited("pods", c.decision, "validate.sealgate.dev/policy", c.policy)
	}
}
