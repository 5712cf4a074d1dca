// Package monitoring tests manifests/monitoring: a real Prometheus scrapes a real sealgated and is asked every query of
// the dashboard and of the alerts.
package monitoring

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"sigs.k8s.io/yaml"
)

const (
	root      = "../../.."
	manifests = root + "/manifests/monitoring"
	limit     = 60 * time.Second
)

type query struct{ where, text string }

func dashboard(t *testing.T) []query {
	t.Helper()
	text, err := os.ReadFile(manifests + "/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	var out []query
	for _, panel := range board.Panels {
		for _, target := range panel.Targets {
			out = append(out, query{"panel " + panel.Title, target.Expr})
		}
	}
	return out
}

func alerts(t *testing.T) []query {
	t.Helper()
	text, err := os.ReadFile(manifests + "/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	var out []query
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			out = append(out, query{"alert " + rule.Alert, rule.Expr})
		}
	}
	return out
}

func TestAlertsFireWhenTheyShould(t *testing.T) {
	for _, arguments := range [][]string{{"check", "rules", manifests + "/rules.yaml"}, {"test", "rules", "rules.test.yaml"}} {
		if out, err := exec.Command("promtool", arguments...).CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %s", arguments, out)
		}
	}
}

func TestEveryAlertIsTriedAndHasItsRunbook(t *testing.T) {
	tried, err := os.ReadFile("rules.test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	operations, err := os.ReadFile(root + "/docs/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, alert := range alerts(t) {
		name := strings.TrimPrefix(alert.where, "alert ")
		if !regexp.MustCompile(`\b` + name + `\b`).Match(tried) {
			t.Errorf("%s is not tried in rules.test.yaml", name)
		}
		if !bytes.Contains(operations, []byte("`"+name+"`")) {
			t.Errorf("docs/OPERATIONS.md does not say what to do about %s", name)
		}
	}
}

// Starts a program that ends with the test. Its lines of standard error come through the channel.
func start(t *testing.T, program string, arguments ...string) <-chan string {
	t.Helper()
	command := exec.Command(program, arguments...)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	output, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 10000)
	go func() {
		defer close(lines)
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			select {
			case lines <- scanner.Text():
			default:
			}
		}
	}()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		for range lines {
		}
		_ = command.Wait()
	})
	return lines
}

// Starts sealgated on free ports and returns the addresses of its listeners.
func sealgated(t *testing.T) map[string]string {
	t.Helper()
	program := filepath.Join(root, os.Getenv("BUILD"), "sealgated")
	lines := start(t, program, "--data-dir", filepath.Join(t.TempDir(), "data"), "--webhook-listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0",
		"--ops-listen", "127.0.0.1:0")
	addresses := map[string]string{}
	for end := time.After(limit); ; {
		select {
		case line, open := <-lines:
			if !open {
				t.Fatal("sealgated has ended")
			}
			var said struct{ Msg, Listener, Address string }
			_ = json.Unmarshal([]byte(line), &said)
			if said.Msg == "listening" {
				addresses[said.Listener] = said.Address
			}
			if said.Msg == "started" {
				return addresses
			}
		case <-end:
			t.Fatal("sealgated does not start")
		}
	}
}

func review(t *testing.T, address string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	body := `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE","namespace":"shop",` +
		`"kind":{"group":"","version":"v1","kind":"Pod"},"resource":{"group":"","version":"v1","resource":"pods"},` +
		`"object":{"spec":{"containers":[{"name":"a","image":"a@sha256:` + strings.Repeat("1", 64) + `"}]}}}}`
	answer, err := client.Post("https://"+address+"/validate", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func prometheus(t *testing.T, target string) string {
	t.Helper()
	dir := t.TempDir()
	rules, err := filepath.Abs(manifests + "/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	configuration := fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%s]\nscrape_configs: [{job_name: sealgate, static_configs: [{targets: ['%s']}]}]\n", rules, target)
	file := filepath.Join(dir, "prometheus.yaml")
	if err := os.WriteFile(file, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freePort(t)
	start(t, "prometheus", "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--log.level=error")
	return "http://" + address
}

// Metric names that a text in Prometheus' format declares, with those that a histogram has.
func declared(text string) map[string]bool {
	out := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^# TYPE (\w+) (\w+)`).FindAllStringSubmatch(text, -1) {
		out[match[1]] = true
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			out[match[1]+suffix] = out[match[1]+suffix] || match[2] == "histogram"
		}
	}
	return out
}

// What only a server that follows a cluster tells, as its source declares it.
func declaredOfClusters(t *testing.T) map[string]bool {
	t.Helper()
	source, err := os.ReadFile(root + "/server/cluster_metrics.c")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, match := range regexp.MustCompile(`"(sealgate_\w+)", "(gauge|counter)"`).FindAllStringSubmatch(strings.Join(strings.Fields(string(source)), " "), -1) {
		out[match[1]] = true
	}
	return out
}

func get(address string) (string, error) {
	answer, err := http.Get(address)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return string(text), err
}

// How many series a query yields.
func ask(address, text string) (int, error) {
	body, err := get(address + "/api/v1/query?query=" + url.QueryEscape(text))
	if err != nil {
		return 0, err
	}
	var answer struct {
		Status, Error string
		Data          struct{ Result []any }
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return 0, err
	}
	if answer.Status != "success" {
		return 0, fmt.Errorf("%s", answer.Error)
	}
	return len(answer.Data.Result), nil
}

func TestEveryQueryIsAnsweredFromTheLiveMetrics(t *testing.T) {
	addresses := sealgated(t)
	review(t, addresses["webhook"])
	text, err := get("http://" + addresses["ops"] + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	live, ofClusters := declared(text), declaredOfClusters(t)
	if len(live) == 0 || len(ofClusters) == 0 {
		t.Fatal("no metric is declared")
	}
	server := prometheus(t, addresses["ops"])
	for end := time.Now().Add(limit); ; time.Sleep(200 * time.Millisecond) {
		// A rate needs two scrapes.
		if series, err := ask(server, "rate(sealgate_reviews_total[1m])"); err == nil && series > 0 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("Prometheus has scraped nothing")
		}
		review(t, addresses["webhook"])
	}
	name := regexp.MustCompile(`\bsealgate_\w+`)
	panels := dashboard(t)
	for _, q := range append(panels, alerts(t)...) {
		series, err := ask(server, q.text)
		if err != nil {
			t.Errorf("%s: %v", q.where, err)
		}
		inClusters := false
		for _, metric := range name.FindAllString(q.text, -1) {
			inClusters = inClusters || ofClusters[metric]
			if !live[metric] && !ofClusters[metric] {
				t.Errorf("%s: there is no metric %s", q.where, metric)
			}
		}
		// Without keys there is no key to expire.
		silent := inClusters || strings.Contains(q.text, "sealgate_key_expiry_seconds")
		if series == 0 && !silent && strings.HasPrefix(q.where, "panel") {
			t.Errorf("%s shows nothing: %s", q.where, q.text)
		}
	}
	if len(panels) < 20 {
		t.Errorf("only %d queries were found", len(panels))
	}
}
