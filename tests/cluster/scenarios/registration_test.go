package scenarios

import (
	"testing"

	"sealgate.dev/cluster/bed"
)

// ownRegistration applies one for the namespaces that name it, for as long as the test runs.
func ownRegistration(t *testing.T, name string, change func(r bed.Registration)) {
	t.Helper()
	guardedBy(t, cluster.Guard, name, change)
}

// guardedBy is the same with another sealgated.
func guardedBy(t *testing.T, guard *bed.Guard, name string, change func(r bed.Registration)) {
	t.Helper()
	r, err := cluster.Registration(guard)
	must(t, err)
	r.Named(name).Select(map[string]any{"key": bed.OwnRegistration, "operator": "In", "values": []any{name}})
	if change != nil {
		change(r)
	}
	must(t, cluster.Apply(r))
}
