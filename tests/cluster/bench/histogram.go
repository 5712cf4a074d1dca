package main

import (
	"context"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/client-go/kubernetes"
)

// histogram is what the API server says about the time that it waited for a webhook, in seconds.
type histogram struct {
	sum, count, under5ms float64
}

var sample = regexp.MustCompile(`^apiserver_admission_webhook_admission_duration_seconds_(bucket|sum|count)\{(.*)\} (\S+)$`)

// waited reads it for the webhook of this name.
func waited(client *kubernetes.Clientset, name string) (h histogram, err error) {
	text, err := client.RESTClient().Get().AbsPath("/metrics").DoRaw(context.Background())
	if err != nil {
		return h, err
	}
	for _, line := range strings.Split(string(text), "\n") {
		m := sample.FindStringSubmatch(line)
		if m == nil || !strings.Contains(m[2], `name="`+name+`"`) {
			continue
		}
		value, err := strconv.ParseFloat(m[3], 64)
		if err != nil {
			return h, err
		}
		switch {
		case m[1] == "sum":
			h.sum += value
		case m[1] == "count":
			h.count += value
		case strings.Contains(m[2], `le="0.005"`):
			h.under5ms += value
		}
	}
	return h, nil
}

// since is what was added to an earlier one.
func (h histogram) since(earlier histogram) histogram {
	return histogram{h.sum - earlier.sum, h.count - earlier.count, h.under5ms - earlier.under5ms}
}

func (h histogram) meanMS() float64 {
	if h.count == 0 {
		return 0
	}
	return 1000 * h.sum / h.count
}

func (h histogram) shareUnder5ms() float64 {
	if h.count == 0 {
		return 0
	}
	return h.under5ms / h.count
}
