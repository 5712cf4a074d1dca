// Package scenarios tests sealgate before a real Kubernetes control plane: each test is what somebody does to a cluster.
//
// Tests that call t.Parallel run side by side, each in namespaces of its own; the others stop parts of the cluster and run before them.
package scenarios

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"sealgate.dev/cluster/bed"
)

var cluster *bed.Bed

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	cluster, err = bed.Start(os.Getenv("BED"), os.Getenv("SEALGATE_BUILD"), os.Getenv("CONTROLPLANE"))
	if err != nil {
		fmt.Fprintln(os.Stderr, "the cluster did not start:", err)
		return 1
	}
	defer cluster.Stop()
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-asked
		cluster.Stop()
		os.Exit(130)
	}()
	return m.Run()
}
