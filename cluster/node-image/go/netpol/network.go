package main

import (
	_ "embed"
	"log"
	"os"
	"os/exec"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

const (
	cniFolder = "/etc/cni/net.d"
	look      = 30 * time.Second
)

//go:embed 10-ptp.conflist
var cniConfiguration string

// connectNode gives this node's pods addresses of the range that the cluster set aside for it (until then the node has no network
// and is not ready), keeps a route to the pods of every other node, and lets what leaves the cluster bear the node's own address.
// It goes on as nodes come and go; every `look` it sets right what differs.
func connectNode(client kubernetes.Interface, own string, stop <-chan struct{}) {
	pods := os.Getenv("POD_NETWORK")
	if pods == "" {
		log.Fatal("netpol: expected the cluster's pod network in POD_NETWORK")
	}
	// between pods addresses stay what they are: policies go by them
	leaving := []string{"POSTROUTING", "-s", pods, "!", "-d", pods, "-j", "MASQUERADE"}
	if exec.Command("iptables", append([]string{"-w", "-t", "nat", "-C"}, leaving...)...).Run() != nil {
		command("iptables", append([]string{"-w", "-t", "nat", "-A"}, leaving...)...)
	}
	factory := informers.NewSharedInformerFactory(client, look)
	seen := func(object interface{}) {
		if node, is := object.(*core.Node); is && node.Spec.PodCIDR != "" {
			if node.Name == own {
				writeConfiguration(node.Spec.PodCIDR)
			} else if address := addressOf(node); address != "" {
				command("ip", "route", "replace", node.Spec.PodCIDR, "via", address)
			}
		}
	}
	factory.Core().V1().Nodes().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    seen,
		UpdateFunc: func(_, object interface{}) { seen(object) },
		DeleteFunc: func(object interface{}) {
			if node, is := object.(*core.Node); is && node.Name != own && node.Spec.PodCIDR != "" {
				command("ip", "route", "delete", node.Spec.PodCIDR)
			}
		},
	})
	factory.Start(stop)
}

func addressOf(node *core.Node) string {
	for _, address := range node.Status.Addresses {
		if address.Type == core.NodeInternalIP {
			return address.Address
		}
	}
	return ""
}

// writeConfiguration replaces the file at once: the runtime reads it whenever it changes.
func writeConfiguration(podCIDR string) {
	place, wanted := cniFolder+"/10-ptp.conflist", strings.ReplaceAll(cniConfiguration, "POD_CIDR", podCIDR)
	if present, err := os.ReadFile(place); err == nil && string(present) == wanted {
		return
	}
	if err := os.WriteFile(place+".new", []byte(wanted), 0o644); err != nil {
		log.Fatalf("netpol: %v", err)
	}
	if err := os.Rename(place+".new", place); err != nil {
		log.Fatalf("netpol: %v", err)
	}
	log.Printf("netpol: pods of this node get addresses of %s", podCIDR)
}

func command(program string, arguments ...string) {
	if said, err := exec.Command(program, arguments...).CombinedOutput(); err != nil {
		log.Printf("netpol: %s %s: %v: %s", program, strings.Join(arguments, " "), err, said)
	}
}
