package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// The exit code of a Job's pod that must fail.
const exitCodeAnnotation = "kubebox/exit-code"

const period = 100 * time.Millisecond

// kubelet reports the state of all pods, as if every image were found and every container did its work
// at once: the pod of a Job succeeds, and any other pod becomes ready.
type kubelet struct {
	client kubernetes.Interface
	pods   int
}

func newKubeletCommand() *cobra.Command {
	var kubeconfig string
	var nodes int
	command := &cobra.Command{
		Use:   "kubelet",
		Short: "Register nodes and pretend to run their pods",
		RunE: func(command *cobra.Command, _ []string) error {
			config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
			if err != nil {
				return err
			}
			config.QPS, config.Burst = 500, 500
			client, err := kubernetes.NewForConfig(config)
			if err != nil {
				return err
			}
			return (&kubelet{client: client}).run(command.Context(), nodes)
		},
	}
	command.Flags().StringVar(&kubeconfig, "kubeconfig", "", "how to reach the API server")
	command.Flags().IntVar(&nodes, "nodes", 3, "number of nodes, each in a zone of its own")
	return command
}

func (k *kubelet) run(ctx context.Context, nodes int) error {
	for number := range nodes {
		if err := k.register(ctx, number); err != nil {
			return err
		}
	}
	for ; ctx.Err() == nil; time.Sleep(period) {
		found, err := k.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName!="})
		if err != nil {
			fmt.Println("pods not listed:", err)
			continue
		}
		for index := range found.Items {
			if err := k.attend(ctx, &found.Items[index]); err != nil {
				fmt.Println("pod not attended to:", err)
			}
		}
	}
	return nil
}

func (k *kubelet) register(ctx context.Context, number int) error {
	name := fmt.Sprintf("node-%d", number)
	node, err := k.client.CoreV1().Nodes().Create(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: name,
		Labels: map[string]string{
			corev1.LabelHostname:     name,
			corev1.LabelOSStable:     "linux",
			corev1.LabelArchStable:   "amd64",
			corev1.LabelTopologyZone: fmt.Sprintf("zone-%d", number),
		},
	}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	node.Status.Capacity = corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("8"),
		corev1.ResourceMemory:           resource.MustParse("32Gi"),
		corev1.ResourcePods:             resource.MustParse("100"),
		corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
	}
	node.Status.Allocatable = node.Status.Capacity
	node.Status.Conditions = []corev1.NodeCondition{{
		Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "Pretended", LastHeartbeatTime: metav1.Now(),
	}}
	_, err = k.client.CoreV1().Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{})
	return err
}

// attend starts a pod that waits, and lets go of one that is being deleted.
func (k *kubelet) attend(ctx context.Context, pod *corev1.Pod) error {
	if pod.DeletionTimestamp != nil {
		now := int64(0)
		return k.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now})
	}
	if pod.Status.Phase != corev1.PodPending && pod.Status.Phase != "" {
		return nil
	}
	k.pods++
	k.start(pod)
	_, err := k.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{})
	return err
}

func (k *kubelet) start(pod *corev1.Pod) {
	now := metav1.Now()
	state := corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}
	ready := corev1.ConditionTrue
	pod.Status.Phase = corev1.PodRunning
	if pod.Spec.RestartPolicy != corev1.RestartPolicyAlways {
		ready = corev1.ConditionFalse
		pod.Status.Phase = corev1.PodSucceeded
		code, _ := strconv.Atoi(pod.Annotations[exitCodeAnnotation])
		if code != 0 {
			pod.Status.Phase = corev1.PodFailed
		}
		state = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: int32(code), FinishedAt: now}}
	}
	pod.Status.StartTime = &now
	pod.Status.PodIP = fmt.Sprintf("10.244.%d.%d", k.pods/250, k.pods%250+1)
	pod.Status.PodIPs = []corev1.PodIP{{IP: pod.Status.PodIP}}
	pod.Status.ContainerStatuses = nil
	for _, container := range pod.Spec.Containers {
		pod.Status.ContainerStatuses = append(pod.Status.ContainerStatuses, corev1.ContainerStatus{
			Name: container.Name, Image: container.Image, Ready: ready == corev1.ConditionTrue, State: state,
		})
	}
	for _, kind := range []corev1.PodConditionType{corev1.PodInitialized, corev1.ContainersReady, corev1.PodReady} {
		status := ready
		if kind == corev1.PodInitialized {
			status = corev1.ConditionTrue
		}
		pod.Status.Conditions = append(pod.Status.Conditions, corev1.PodCondition{
			Type: kind, Status: status, LastTransitionTime: now,
		})
	}
}
