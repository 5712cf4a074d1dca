// Command bench measures what a webhook costs whoever creates pods in a real cluster: none, one that always allows, and sealgate take
// turns.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"sealgate.dev/cluster/bed"
)

const rounds = 5

// contender is what stands before the API server for the namespaces that name it.
type contender struct {
	name, label, webhook string
	rounds               []result
}

// row is a contender's figures: medians over the rounds, and the median of the rounds' own ratios.
type row struct {
	Figure        string  `json:"figure"`
	PodsPerSecond float64 `json:"pods_per_second"`
	P50           float64 `json:"p50_ms"`
	P99           float64 `json:"p99_ms"`
	WebhookMean   float64 `json:"webhook_mean_ms"`
	WebhookFast   float64 `json:"webhook_share_under_5_ms"`
	Ratio         float64 `json:"ratio_to_always_allowing"`
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: bench DIR OUT.json, with SEALGATE_BUILD, CONTROLPLANE and ALLOW in the environment")
		os.Exit(2)
	}
	b, err := bed.Start(os.Args[1], os.Getenv("SEALGATE_BUILD"), os.Getenv("CONTROLPLANE"))
	if err == nil {
		err = run(b, os.Args[2])
		b.Stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(b *bed.Bed, out string) error {
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		<-asked
		b.Stop()
		os.Exit(130)
	}()
	config, err := clientcmd.BuildConfigFromFlags("", b.Plane.Server.Kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	contenders := []*contender{
		{name: "no webhook", label: "none"},
		{name: "always allows", label: "allow", webhook: "allow.sealgate.dev"},
		{name: "sealgate", label: "sealgate", webhook: "validate.sealgate.dev"},
	}
	if err := prepare(b, client, contenders); err != nil {
		return err
	}
	if err := measure(client, contenders); err != nil {
		return err
	}
	return report(contenders, out)
}

// prepare registers the webhooks and makes the namespaces; then the controllers rest, so that nobody works on the pods.
func prepare(b *bed.Bed, client *kubernetes.Clientset, contenders []*contender) error {
	allow, err := b.StartAllow(os.Getenv("ALLOW"))
	if err != nil {
		return err
	}
	for _, c := range contenders {
		if c.webhook != "" {
			if err := register(b, c, allow); err != nil {
				return err
			}
		}
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "test-" + c.label,
			Labels: map[string]string{bed.OwnRegistration: c.label}}}
		if _, err := client.CoreV1().Namespaces().Create(context.Background(), namespace, metav1.CreateOptions{}); err != nil {
			return err
		}
		if err := awaitAccount(client, namespace.Name); err != nil {
			return err
		}
	}
	time.Sleep(time.Second) // the API server follows registrations by a watch
	b.Plane.Scheduler.Stop(10 * time.Second)
	b.Plane.Controller.Stop(10 * time.Second)
	return nil
}

func register(b *bed.Bed, c *contender, allow string) error {
	r, err := b.Registration(b.Guard)
	if err != nil {
		return err
	}
	r.Named(c.label).Select(map[string]any{"key": bed.OwnRegistration, "operator": "In", "values": []any{c.label}})
	if c.label == "allow" {
		r.Webhook()["name"] = c.webhook
		r.Webhook()["clientConfig"].(map[string]any)["url"] = "https://" + allow + "/validate"
	}
	return b.Apply(r)
}

func awaitAccount(client *kubernetes.Clientset, namespace string) error {
	var err error
	for range 200 {
		if _, err = client.CoreV1().ServiceAccounts(namespace).Get(context.Background(), "default", metav1.GetOptions{}); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return err
}

// measure lets them take turns; a first round, in which connections are made and code is warmed, doesn't count.
func measure(client *kubernetes.Clientset, contenders []*contender) error {
	for round := range rounds + 1 {
		for _, c := range contenders {
			before, err := waited(client, c.webhook)
			if err != nil {
				return err
			}
			r, err := create(client, "test-"+c.label)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			after, err := waited(client, c.webhook)
			if err != nil {
				return err
			}
			if r.waited = after.since(before); c.webhook != "" && r.waited.count < pods {
				return fmt.Errorf("%s: asked %.0f times about %d pods", c.name, r.waited.count, pods)
			}
			if round > 0 {
				c.rounds = append(c.rounds, r)
			}
		}
	}
	return nil
}

func median(of []result, figure func(result) float64) float64 {
	values := make([]float64, len(of))
	for i, r := range of {
		values[i] = figure(r)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func (c *contender) row(reference *contender) row {
	ratios := make([]result, len(c.rounds))
	for i := range ratios {
		ratios[i].perSecond = c.rounds[i].perSecond / reference.rounds[i].perSecond
	}
	perSecond := func(r result) float64 { return r.perSecond }
	return row{c.name, median(c.rounds, perSecond), median(c.rounds, func(r result) float64 { return r.p50 }),
		median(c.rounds, func(r result) float64 { return r.p99 }),
		median(c.rounds, func(r result) float64 { return r.waited.meanMS() }),
		median(c.rounds, func(r result) float64 { return r.waited.shareUnder5ms() }), median(ratios, perSecond)}
}

func report(contenders []*contender, out string) error {
	fmt.Printf("%d pods by %d clients, medians of %d rounds; \"webhook\" is the API server's own histogram\n\n", pods, clients, rounds)
	fmt.Printf("%-15s %8s %8s %8s %12s %14s %16s\n", "", "pods/s", "p50 ms", "p99 ms", "webhook ms", "within 5 ms", "to always allow")
	rows := []row{}
	for _, c := range contenders {
		r := c.row(contenders[1])
		rows = append(rows, r)
		fmt.Printf("%-15s %8.0f %8.2f %8.2f", r.Figure, r.PodsPerSecond, r.P50, r.P99)
		if c.webhook != "" {
			fmt.Printf(" %12.2f %13.1f%%", r.WebhookMean, 100*r.WebhookFast)
		} else {
			fmt.Printf(" %12s %14s", "-", "-")
		}
		fmt.Printf(" %16.2f\n", r.Ratio)
	}
	verdict := "met"
	if rows[2].Ratio < 1 {
		verdict = "MISSED"
	}
	fmt.Printf("\ntarget: sealgate at least level with what always allows (1.00): %s\n", verdict)
	text, err := json.MarshalIndent(rows, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(out, append(text, '\n'), 0o644)
}
