package scenarios

import (
	"strings"
	"testing"
)

const attestor = `apiVersion: sealgate.dev/v1alpha1
kind: Attestor
metadata: {name: NAME}
spec:
  note: projects/image-signing/notes/qa
  publicKeys:
  - openpgp: |
KEY`

// attestorWith is a manifest with one key.
func attestorWith(name, key string) string {
	indented := "      " + strings.ReplaceAll(strings.TrimSpace(key), "\n", "\n      ")
	return strings.NewReplacer("NAME", name, "KEY", indented).Replace(attestor)
}

// What no schema can see is said when the object is applied, not when the first image is refused.
func TestPoliciesAreReviewedWhenTheyAreApplied(t *testing.T) {
	t.Parallel()
	s := newSpace(t, "test-objects", "")
	key, err := cluster.PublicKey()
	must(t, err)
	s.apply(attestorWith("reviewed", key)).admitted("attestor.sealgate.dev/reviewed created")
	armour := strings.SplitAfterN(key, "\n\n", 2)
	s.apply(attestorWith("broken", armour[0]+"AAAA"+armour[1])).refused("policies.sealgate.dev", "Attestor broken can't be used",
		"spec.publicKeys[0]")
	s.kubectl("get", "attestors").says("reviewed")
	s.kubectl("get", "attestors/broken").says("NotFound")
	s.apply(`{apiVersion: sealgate.dev/v1alpha1, kind: ImagePolicy, metadata: {name: early},
  spec: {require: {attestations: [{attestors: [not-there-yet]}]}}}`).admitted("Warning:", "not-there-yet", "created")
}
