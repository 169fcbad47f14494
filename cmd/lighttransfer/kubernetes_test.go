package main

import (
	"bytes"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// indexedJob is what deploy/kubernetes/eval-job.yaml uses of a Job (batch/v1); any
// other field is a mistake.
type indexedJob struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		CompletionMode       string `yaml:"completionMode"`
		Completions          int
		Parallelism          int
		BackoffLimitPerIndex int `yaml:"backoffLimitPerIndex"` // needs restartPolicy Never
		Template             struct {
			Spec struct {
				RestartPolicy string `yaml:"restartPolicy"`
				Containers    []struct {
					Name, Image   string
					Command, Args []string
					Resources     struct{ Requests, Limits map[string]string }
					VolumeMounts  []struct {
						Name      string
						MountPath string `yaml:"mountPath"`
						ReadOnly  bool   `yaml:"readOnly"`
					} `yaml:"volumeMounts"`
				}
				Volumes []jobVolume
			}
		}
	}
}

type jobVolume struct {
	Name                  string
	PersistentVolumeClaim struct {
		ClaimName string `yaml:"claimName"`
		ReadOnly  bool   `yaml:"readOnly"`
	} `yaml:"persistentVolumeClaim"`
}

// The manifest is a Job whose pods the program understands, one for each shard.
func TestKubernetesJob(t *testing.T) {
	data, err := os.ReadFile("../../deploy/kubernetes/eval-job.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var job indexedJob
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	if err := d.Decode(&job); err != nil {
		t.Fatal(err)
	}
	pod := job.Spec.Template.Spec
	if job.APIVersion != "batch/v1" || job.Kind != "Job" || job.Metadata.Name == "" || job.Spec.CompletionMode != "Indexed" ||
		job.Spec.Parallelism > job.Spec.Completions || job.Spec.BackoffLimitPerIndex < 1 || pod.RestartPolicy != "Never" || len(pod.Containers) != 1 {
		t.Errorf("%+v", job)
	}
	c := pod.Containers[0]
	if !slices.Equal(c.Command, []string{"lighttransfer"}) {
		t.Errorf("command %q", c.Command)
	}
	for i := range job.Spec.Completions {
		var args []string
		for _, a := range c.Args {
			args = append(args, strings.ReplaceAll(a, "$(JOB_COMPLETION_INDEX)", strconv.Itoa(i)))
		}
		if err := accepts(args); err != nil {
			t.Errorf("pod %d: %q: %v", i, args, err)
		}
		if want := "--shard=" + strconv.Itoa(i) + "/" + strconv.Itoa(job.Spec.Completions); !slices.Contains(args, want) {
			t.Errorf("pod %d: %q without %s", i, args, want)
		}
	}
	for _, m := range c.VolumeMounts {
		i := slices.IndexFunc(pod.Volumes, func(v jobVolume) bool { return v.Name == m.Name })
		if i < 0 || !strings.HasPrefix(m.MountPath, "/") || pod.Volumes[i].PersistentVolumeClaim.ClaimName == "" ||
			!slices.ContainsFunc(c.Args, func(a string) bool { return strings.Contains(a, "="+m.MountPath) }) {
			t.Errorf("mount %+v: no volume for it, or no use", m)
		}
	}
}
