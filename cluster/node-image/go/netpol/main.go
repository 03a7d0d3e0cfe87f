// Netpol is the network of a node: it gives its pods addresses and ways to the pods of other nodes (network.go), and enforces
// NetworkPolicies with iptables and ipset, where the kernel is too bare for kindnet to do it.
//
// For the policies it wires the controllers of Azure's network policy manager to its Linux data plane. That project's own command spends three
// minutes on telemetry before it enforces anything, so it is not used.
package main

import (
	"log"
	"os"
	"time"

	"github.com/Azure/azure-container-networking/common"
	npm "github.com/Azure/azure-container-networking/npm"
	"github.com/Azure/azure-container-networking/npm/config"
	"github.com/Azure/azure-container-networking/npm/metrics"
	"github.com/Azure/azure-container-networking/npm/pkg/dataplane"
	"github.com/Azure/azure-container-networking/npm/pkg/dataplane/ipsets"
	"github.com/Azure/azure-container-networking/npm/pkg/dataplane/policies"
	"github.com/Azure/azure-container-networking/npm/pkg/models"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/exec"
)

const resync = 15 * time.Minute

func main() {
	cluster, err := rest.InClusterConfig()
	if err != nil {
		log.Fatalf("netpol: no in-cluster configuration: %v", err)
	}
	// a node gets its network from here, so this does not wait for kube-proxy to lead to the API server
	if endpoint := os.Getenv("CONTROL_PLANE_ENDPOINT"); endpoint != "" {
		cluster.Host = "https://" + endpoint
	}
	client, err := kubernetes.NewForConfig(cluster)
	if err != nil {
		log.Fatalf("netpol: no client: %v", err)
	}
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		log.Fatalf("netpol: the API server does not answer: %v", err)
	}
	connectNode(client, models.GetNodeName(), wait.NeverStop)
	metrics.InitializeAll()

	settings := npmconfig.DefaultConfig
	settings.Toggles.EnableV2NPM = true
	plane, err := dataplane.NewDataPlane(models.GetNodeName(), common.NewIOShim(), &dataplane.Config{
		IPSetManagerCfg: &ipsets.IPSetManagerCfg{
			IPSetMode:          ipsets.ApplyAllIPSets,
			NetworkName:        "azure",
			AddEmptySetToLists: false,
		},
		PolicyManagerCfg: &policies.PolicyManagerCfg{
			PolicyMode: policies.IPSetPolicyMode,
			// before kube-proxy's own chains, so that no accepted service traffic bypasses a policy
			PlaceAzureChainFirst: true,
		},
	}, wait.NeverStop)
	if err != nil {
		log.Fatalf("netpol: no data plane: %v", err)
	}
	plane.RunPeriodicTasks()

	manager := npm.NewNetworkPolicyManager(settings, informers.NewSharedInformerFactory(client, resync), plane, exec.New(), "drill", version)
	if err := manager.Start(settings, wait.NeverStop); err != nil {
		log.Fatalf("netpol: %v", err)
	}
	select {}
}
