package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"sealgate.dev/cluster/bed"
)

const (
	pods    = 500
	clients = 8
)

// result is one round of one contender.
type result struct {
	perSecond, p50, p99 float64 // the latter in ms, as a client sees them
	waited              histogram
}

// create creates all pods in a namespace, each client its share, and removes them afterwards. Every one must be admitted.
func create(client *kubernetes.Clientset, namespace string) (r result, err error) {
	took := make([][]time.Duration, clients)
	failed := make([]error, clients)
	var all sync.WaitGroup
	begin := time.Now()
	for c := range clients {
		all.Add(1)
		go func() {
			defer all.Done()
			took[c], failed[c] = share(client, namespace, pods*c/clients, pods*(c+1)/clients)
		}()
	}
	all.Wait()
	seconds := time.Since(begin).Seconds()
	for _, err := range failed {
		if err != nil {
			return r, err
		}
	}
	times := slices.Concat(took...)
	slices.Sort(times)
	at := func(part float64) float64 {
		return float64(times[int(part*float64(len(times)-1))].Microseconds()) / 1000
	}
	now := int64(0)
	err = client.CoreV1().Pods(namespace).DeleteCollection(context.Background(), metav1.DeleteOptions{GracePeriodSeconds: &now},
		metav1.ListOptions{})
	return result{perSecond: pods / seconds, p50: at(0.5), p99: at(0.99)}, err
}

func share(client *kubernetes.Clientset, namespace string, from, to int) ([]time.Duration, error) {
	var took []time.Duration
	for i := from; i < to; i++ {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("pay-%d", i)},
			Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: bed.Signed}}}}
		begin := time.Now()
		if _, err := client.CoreV1().Pods(namespace).Create(context.Background(), pod, metav1.CreateOptions{}); err != nil {
			return nil, err
		}
		took = append(took, time.Since(begin))
	}
	return took, nil
}
