package scenarios

import (
	"io"
	"net"
	"slices"
	"sync"
	"testing"
)

// door is one address before several, as a Service is: a new connection goes to the next of those that are ready, and stays there.
type door struct {
	Address string
	mutex   sync.Mutex
	ready   []string
	turn    int
}

func newDoor(t *testing.T, behind ...string) *door {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { listener.Close() })
	d := &door{Address: listener.Addr().String(), ready: behind}
	go func() {
		for {
			caller, err := listener.Accept()
			if err != nil {
				return
			}
			go d.serve(caller)
		}
	}()
	return d
}

// forget takes one out, as the endpoints of a Service lose a pod that is about to end; know brings it back.
func (d *door) forget(address string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.ready = slices.DeleteFunc(slices.Clone(d.ready), func(a string) bool { return a == address })
}

func (d *door) know(address string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.ready = append(slices.Clone(d.ready), address)
}

func (d *door) next() string {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.turn++
	return d.ready[d.turn%len(d.ready)]
}

func (d *door) serve(caller net.Conn) {
	defer caller.Close()
	server, err := net.Dial("tcp", d.next())
	if err != nil {
		return
	}
	defer server.Close()
	done := make(chan struct{}, 2)
	carry := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		done <- struct{}{}
	}
	go carry(server, caller)
	go carry(caller, server)
	<-done
}
