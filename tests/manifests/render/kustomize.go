// Package render makes the objects of manifests/ as users would get them: by kustomize, and by Helm.
package render

import (
	"os"
	"path/filepath"
	"sort"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// Objects are Kubernetes objects by "KIND NAMESPACE/NAME".
type Objects map[string]map[string]any

func (o Objects) add(object map[string]any) {
	metadata, _ := object["metadata"].(map[string]any)
	namespace, _ := metadata["namespace"].(string)
	name, _ := metadata["name"].(string)
	kind, _ := object["kind"].(string)
	o[kind+" "+namespace+"/"+name] = object
}

// Names are the keys in order.
func (o Objects) Names() []string {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// Kustomize builds manifests/base with components, in a kustomization of its own as docs/INSTALL.md has it.
func Kustomize(root, work string, components ...string) (Objects, error) {
	base, err := filepath.Rel(work, filepath.Join(root, "base"))
	if err != nil {
		return nil, err
	}
	text := map[string]any{"resources": []string{base}}
	paths := []string{}
	for _, component := range components {
		path, err := filepath.Rel(work, filepath.Join(root, "components", component))
		if err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	text["components"] = paths
	file, err := yaml.Marshal(text)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(work, "kustomization.yaml"), file, 0o600); err != nil {
		return nil, err
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), work)
	if err != nil {
		return nil, err
	}
	out := Objects{}
	for _, resource := range built.Resources() {
		object, err := resource.Map()
		if err != nil {
			return nil, err
		}
		out.add(object)
	}
	return out, nil
}
