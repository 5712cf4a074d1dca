package bed

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// What the bed signs with, and as.
const (
	Signer = "qa_bob@example.com"
	Note   = "projects/image-signing/notes/qa"
)

// Images that the tests run. The signed ones are attested in every sealgated that Sign was called for.
const (
	Signed     = "registry.example.com/shop/payment@sha256:1111111111111111111111111111111111111111111111111111111111111111"
	SignedNext = "registry.example.com/shop/payment@sha256:2222222222222222222222222222222222222222222222222222222222222222"
	Unsigned   = "registry.example.com/shop/payment@sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
)

// Tools are the programs that a user of sealgate has at hand, with a gpg of their own.
type Tools struct {
	dir       string
	sealgate  string
	sealgated string
	kubectl   string // the control plane's program
}

// newTools makes a key for Signer. `build` is where sealgate and sealgated are.
func newTools(dir, build, program string) (*Tools, error) {
	t := &Tools{dir: dir, sealgate: filepath.Join(build, "sealgate"), sealgated: filepath.Join(build, "sealgated"), kubectl: program}
	for _, d := range []string{"gnupg", "home"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			return nil, err
		}
	}
	_, err := t.run("", "gpg", "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", "--quick-generate-key",
		"QA Bob <"+Signer+">", "ed25519", "sign", "never")
	return t, err
}

// stop ends the agent that gpg has left.
func (t *Tools) stop() { _, _ = t.run("", "gpgconf", "--kill", "all") }

// Environment is what the programs are run with, beside the bed's own.
func (t *Tools) Environment() []string {
	return []string{"GNUPGHOME=" + filepath.Join(t.dir, "gnupg"), "HOME=" + filepath.Join(t.dir, "home"), "NO_COLOR=1"}
}

// PublicKey is Signer's, in armour.
func (t *Tools) PublicKey() (string, error) { return t.run("", "gpg", "--armor", "--export", Signer) }

// Sealgate runs the command line and returns what it printed.
func (t *Tools) Sealgate(arguments ...string) (string, error) {
	return t.run("", t.sealgate, arguments...)
}

// Kubectl runs kubectl against the API server of a kubeconfig, with `stdin`, and returns what it printed, warnings and errors too.
func (t *Tools) Kubectl(kubeconfig, stdin string, arguments ...string) (string, error) {
	return t.run(stdin, t.kubectl, append([]string{"kubectl", "--kubeconfig", kubeconfig}, arguments...)...)
}

func (t *Tools) run(stdin, program string, arguments ...string) (string, error) {
	command := exec.Command(program, arguments...)
	command.Env = append(os.Environ(), t.Environment()...)
	command.Stdin = strings.NewReader(stdin)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	err := command.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		err = fmt.Errorf("%s %s: %w: %s", filepath.Base(program), strings.Join(arguments, " "), err, out.String())
	}
	return out.String(), err
}
