package scenarios

import (
	"slices"
	"strings"
	"testing"

	"sealgate.dev/cluster/bed"
)

// workload is a kind that leads to pods.
type workload struct {
	kind     string
	path     string // of its pod spec
	reporter string // the kind whose event tells that a pod was refused; "" when no controller makes pods of it
	manifest string // with the shorthands of `with`
}

var workloads = []workload{
	{"Pod", "spec", "",
		`{apiVersion: v1, kind: Pod, metadata: {name: pay}, spec: POD}`},
	{"PodTemplate", "template.spec", "",
		`{apiVersion: v1, kind: PodTemplate, metadata: {name: pay}, template: TEMPLATE}`},
	{"ReplicationController", "spec.template.spec", "ReplicationController",
		`{apiVersion: v1, kind: ReplicationController, metadata: {name: pay}, spec: {selector: {app: pay}, template: TEMPLATE}}`},
	{"ReplicaSet", "spec.template.spec", "ReplicaSet",
		`{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: pay}, spec: {SELECTOR, template: TEMPLATE}}`},
	{"Deployment", "spec.template.spec", "ReplicaSet",
		`{apiVersion: apps/v1, kind: Deployment, metadata: {name: pay}, spec: {SELECTOR, template: TEMPLATE}}`},
	{"StatefulSet", "spec.template.spec", "StatefulSet",
		`{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: pay}, spec: {serviceName: pay, SELECTOR, template: TEMPLATE}}`},
	{"DaemonSet", "spec.template.spec", "DaemonSet",
		`{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: pay}, spec: {SELECTOR, template: TEMPLATE}}`},
	{"Job", "spec.template.spec", "Job",
		`{apiVersion: batch/v1, kind: Job, metadata: {name: pay}, spec: {template: {spec: ONCE}}}`},
	{"CronJob", "spec.jobTemplate.spec.template.spec", "Job",
		`{apiVersion: batch/v1, kind: CronJob, metadata: {name: pay}, spec: {schedule: "0 0 1 1 *",
		  jobTemplate: {spec: {template: {spec: ONCE}}}}}`},
}

// with is its manifest for an image.
func (w workload) with(image string) string {
	text := w.manifest
	for _, r := range [][2]string{
		{"TEMPLATE", "{metadata: {labels: {app: pay}}, spec: POD}"},
		{"SELECTOR", "selector: {matchLabels: {app: pay}}"},
		{"ONCE", `{restartPolicy: Never, containers: [{name: main, image: "IMAGE"}]}`},
		{"POD", `{containers: [{name: main, image: "IMAGE"}]}`},
		{"IMAGE", image},
	} {
		text = strings.ReplaceAll(text, r[0], r[1])
	}
	return text
}

// start makes what waits for a date begin now.
func (w workload) start(s *space) {
	if w.kind == "CronJob" {
		s.kubectl("create", "job", "pay-now", "--from=cronjob/pay").admitted()
	}
}

// workloadNamed is its row.
func workloadNamed(kind string) workload {
	for _, w := range workloads {
		if w.kind == kind {
			return w
		}
	}
	panic(kind)
}

// controlled are those that a controller makes pods of.
func controlled() []workload {
	return slices.DeleteFunc(slices.Clone(workloads), func(w workload) bool { return w.reporter == "" })
}

func eachWorkload(t *testing.T, kinds []workload, name, registration string, test func(t *testing.T, w workload, s *space)) {
	t.Parallel()
	for _, w := range kinds {
		t.Run(w.kind, func(t *testing.T) {
			t.Parallel()
			test(t, w, newSpace(t, name, registration))
		})
	}
}

func TestUnsignedWorkloadsAreRefusedWhenTheyAreApplied(t *testing.T) {
	eachWorkload(t, workloads, "test-apply", "", func(t *testing.T, w workload, s *space) {
		s.apply(w.with(bed.Unsigned)).refused("No matched signatures for container image: "+bed.Unsigned, w.path+".containers[0].image")
		s.kubectl("get", "pods,deployments,replicasets,jobs").says("No resources found")
	})
}

// The gate behind the gate: without the rule for workloads the pod is refused, and its controller's event says why.
func TestPodsOfUnsignedWorkloadsAreRefused(t *testing.T) {
	ownRegistration(t, "pods-only", func(r bed.Registration) {
		r.Webhook()["rules"] = []any{map[string]any{"operations": []any{"CREATE", "UPDATE"}, "apiGroups": []any{""},
			"apiVersions": []any{"v1"}, "resources": []any{"pods", "pods/ephemeralcontainers"}}}
	})
	eachWorkload(t, controlled(), "test-pods", "pods-only", func(t *testing.T, w workload, s *space) {
		s.apply(w.with(bed.Unsigned)).admitted()
		w.start(s)
		s.event(w.reporter, "No matched signatures for container image: "+bed.Unsigned)
		s.neverRuns(bed.Unsigned)
	})
}

func TestControllersMakePodsOfSignedWorkloads(t *testing.T) {
	eachWorkload(t, append(controlled(), workloadNamed("Pod")), "test-signed", "", func(t *testing.T, w workload, s *space) {
		s.apply(w.with(bed.Signed)).admitted()
		w.start(s)
		s.eventually("has a pod", func() bool { return len(s.pods()) > 0 })
	})
}
