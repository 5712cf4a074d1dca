// Command up starts the bed below a directory, says how to use it, and stops and removes it all when it is asked to end.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"sealgate.dev/cluster/bed"
)

const help = `A Kubernetes cluster is running on loopback, with sealgate before it (process %[1]d, files in %[2]s). Use it:
  . %[2]s/env
  kubectl run hello --image=nginx                      # refused: nobody vouches for it
  kubectl create deployment payment --image=$SIGNED    # admitted; the real controllers make its pods
  sealgate sign IMAGE@DIGEST --key $SIGNER --note $NOTE --server $API
  ls $POLICIES; tail -f %[2]s/sealgated/sealgated.log  # what sealgated follows, and what it says
Stop it:
  kill %[1]d
`

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: up DIR, with SEALGATE_BUILD and CONTROLPLANE in the environment")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer os.RemoveAll(dir)
	b, err := bed.Start(dir, os.Getenv("SEALGATE_BUILD"), os.Getenv("CONTROLPLANE"))
	if err != nil {
		return err
	}
	defer b.Stop()
	if err := shortcuts(b, dir); err != nil {
		return err
	}
	text := fmt.Sprintf(help, os.Getpid(), dir)
	// Written whole or not at all: who waits for the file reads it at once.
	if err := os.WriteFile(filepath.Join(dir, "ready.new"), []byte(text), 0o600); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(dir, "ready.new"), filepath.Join(dir, "ready")); err != nil {
		return err
	}
	<-asked
	return nil
}

const environment = `export KUBECONFIG='%[1]s/kubeconfig' PATH='%[1]s/bin':"$PATH" GNUPGHOME='%[1]s/gnupg' POLICIES='%[1]s/policies'
export API=http://%[2]s SIGNER=%[3]s NOTE=%[4]s
export SIGNED=%[5]s
export SIGNED_NEXT=%[6]s
export UNSIGNED=%[7]s
`

// shortcuts puts a kubeconfig and the programs where they are easy to name, and all names into the file env.
func shortcuts(b *bed.Bed, dir string) error {
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o700); err != nil {
		return err
	}
	kubectl := fmt.Sprintf("#!/bin/sh\nexec '%s' kubectl \"$@\"\n", os.Getenv("CONTROLPLANE"))
	if err := os.WriteFile(filepath.Join(bin, "kubectl"), []byte(kubectl), 0o700); err != nil {
		return err
	}
	env := fmt.Sprintf(environment, dir, b.Guard.API, bed.Signer, bed.Note, bed.Signed, bed.SignedNext, bed.Unsigned)
	if err := os.WriteFile(filepath.Join(dir, "env"), []byte(env), 0o600); err != nil {
		return err
	}
	for link, target := range map[string]string{
		"kubeconfig":    b.Plane.Server.Kubeconfig,
		"bin/sealgate":  filepath.Join(os.Getenv("SEALGATE_BUILD"), "sealgate"),
		"bin/sealgated": filepath.Join(os.Getenv("SEALGATE_BUILD"), "sealgated"),
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			return err
		}
	}
	return nil
}
