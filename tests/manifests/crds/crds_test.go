// Package crds holds the tests of manifests/crds: the API server's own code reads the definitions and judges objects
// with them, and the reader of sealgated judges the same objects.
package crds

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	definition "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

const root = "../../.."

type kind struct {
	structural *schema.Structural
	validator  validation.SchemaValidator
	rules      *cel.Validator
}

func readDefinition(t *testing.T, file string) *apiextensions.CustomResourceDefinition {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var v1 apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(text, &v1); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	scheme := runtime.NewScheme()
	if err := apiextensionsv1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	if err := apiextensions.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(&v1)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&v1.Spec)
	var out apiextensions.CustomResourceDefinition
	if err := scheme.Convert(&v1, &out, nil); err != nil {
		t.Fatal(err)
	}
	// What the API server fills in itself.
	out.Status.StoredVersions = []string{"v1alpha1"}
	return &out
}

func definitions(t *testing.T) map[string]*apiextensions.CustomResourceDefinition {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "manifests/crds/sealgate.dev_*.yaml"))
	if err != nil || len(files) != 3 {
		t.Fatalf("three definitions are expected, not %v", files)
	}
	out := map[string]*apiextensions.CustomResourceDefinition{}
	for _, file := range files {
		crd := readDefinition(t, file)
		out[crd.Spec.Names.Kind] = crd
	}
	return out
}

func schemaOf(t *testing.T, crd *apiextensions.CustomResourceDefinition) *apiextensions.JSONSchemaProps {
	t.Helper()
	if crd.Spec.Validation != nil {
		return crd.Spec.Validation.OpenAPIV3Schema
	}
	return crd.Spec.Versions[0].Schema.OpenAPIV3Schema
}

func kinds(t *testing.T) map[string]kind {
	t.Helper()
	out := map[string]kind{}
	for name, crd := range definitions(t) {
		props := schemaOf(t, crd)
		structural, err := schema.NewStructural(props)
		if err != nil {
			t.Fatal(err)
		}
		validator, _, err := validation.NewSchemaValidator(props)
		if err != nil {
			t.Fatal(err)
		}
		out[name] = kind{structural, validator, cel.NewValidator(structural, true, celconfig.PerCallLimit)}
	}
	return out
}

// What the API server does with an object that is created.
func (k kind) refusals(object map[string]any) field.ErrorList {
	pruning.Prune(object, k.structural, true)
	defaulting.Default(object, k.structural)
	defaulting.PruneNonNullableNullsWithoutDefaults(object, k.structural)
	errs := validation.ValidateCustomResource(nil, object, k.validator)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, k.structural, object)...)
	more, _ := k.rules.Validate(context.Background(), nil, k.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return append(errs, more...)
}

func TestTheAPIServerTakesTheDefinitions(t *testing.T) {
	for name, crd := range definitions(t) {
		for _, err := range definition.ValidateCustomResourceDefinition(context.Background(), crd) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A list or text without a bound makes rules too costly, and the object can be as large as etcd lets it.
func TestEveryListAndTextHasABound(t *testing.T) {
	var walk func(path string, s *apiextensions.JSONSchemaProps)
	walk = func(path string, s *apiextensions.JSONSchemaProps) {
		switch {
		case s.Type == "array" && s.MaxItems == nil:
			t.Errorf("%s has no maxItems", path)
		case s.Type == "string" && s.MaxLength == nil && len(s.Enum) == 0 && s.Format != "date-time":
			t.Errorf("%s has no maxLength", path)
		case s.AdditionalProperties != nil && s.MaxProperties == nil:
			t.Errorf("%s has no maxProperties", path)
		}
		for name := range s.Properties {
			if path == "" && (name == "apiVersion" || name == "kind" || name == "metadata") {
				continue
			}
			member := s.Properties[name]
			walk(path+"."+name, &member)
		}
		if s.Items != nil {
			walk(path+"[]", s.Items.Schema)
		}
		if s.AdditionalProperties != nil {
			walk(path+"{}", s.AdditionalProperties.Schema)
		}
	}
	for name, crd := range definitions(t) {
		t.Run(name, func(t *testing.T) { walk("", schemaOf(t, crd)) })
	}
}

func specOf(t *testing.T, crd *apiextensions.CustomResourceDefinition, without ...string) string {
	t.Helper()
	spec := schemaOf(t, crd).Properties["spec"]
	match := spec.Properties["match"]
	match.XValidations = nil
	for _, name := range without {
		delete(match.Properties, name)
	}
	spec.Properties["match"] = match
	text, err := yaml.Marshal(spec)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestBothPoliciesDifferInTheirNamespacesAlone(t *testing.T) {
	crds := definitions(t)
	a := specOf(t, crds["ClusterImagePolicy"], "namespaces", "namespaceSelector")
	b := specOf(t, crds["ImagePolicy"], "namespaces", "namespaceSelector")
	if a != b {
		t.Errorf("the schemas of both policies differ:\n%s\n---\n%s", a, b)
	}
}

func readCases(t *testing.T) []*testCase {
	t.Helper()
	text, err := os.ReadFile("cases.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []*testCase
	if err := yaml.UnmarshalStrict(text, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

type testCase struct {
	Name   string `json:"name"`
	Object string `json:"object"`
	// The text that the refusal must hold; "" for an object that is taken.
	Refused string `json:"refused"`
}

func TestObjects(t *testing.T) {
	all := kinds(t)
	for _, c := range readCases(t) {
		t.Run(c.Name, func(t *testing.T) {
			var object map[string]any
			if err := readObject(c.Object, &object); err != nil {
				t.Fatal(err)
			}
			errs := all[object["kind"].(string)].refusals(object).ToAggregate()
			switch {
			case c.Refused == "":
				if errs != nil {
					t.Errorf("is refused: %v", errs)
				}
			case errs == nil:
				t.Errorf("is taken")
			case !strings.Contains(errs.Error(), c.Refused):
				t.Errorf("is refused, but not with %q: %v", c.Refused, errs)
			}
		})
	}
}

// Numbers as the API server sees them: whole ones are integers.
func readObject(text string, out *map[string]any) error {
	plain, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, out)
}

// Objects that the reader of sealgated is tested with (tests/data/policies), and what is not for a schema to say.
func objectsOf(t *testing.T, file string) []map[string]any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]any
	for _, document := range strings.Split(string(text), "\n---\n") {
		var object map[string]any
		if err := readObject(document, &object); err != nil {
			return nil // no YAML, or not an object: kubectl itself refuses it
		}
		if items, ok := object["items"].([]any); ok && object["kind"] == "List" {
			for _, item := range items {
				if member, ok := item.(map[string]any); ok {
					out = append(out, member)
				}
			}
		} else {
			out = append(out, object)
		}
	}
	return out
}

func TestWhatSealgatedReadsIsTaken(t *testing.T) {
	all := kinds(t)
	files, err := filepath.Glob(filepath.Join(root, "tests/data/policies/valid/*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no objects: %v", err)
	}
	for _, file := range files {
		for _, object := range objectsOf(t, file) {
			if errs := all[object["kind"].(string)].refusals(object); len(errs) > 0 {
				t.Errorf("%s: is refused: %v", file, errs.ToAggregate())
			}
		}
	}
}

func leftToOthers(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("left-to-others.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var reasons map[string][]string
	if err := yaml.UnmarshalStrict(text, &reasons); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for reason, files := range reasons {
		for _, file := range files {
			out[file] = reason
		}
	}
	return out
}

func TestWhatSealgatedCannotReadIsRefused(t *testing.T) {
	all := kinds(t)
	left := leftToOthers(t)
	files, err := filepath.Glob(filepath.Join(root, "tests/data/policies/invalid/*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no objects: %v", err)
	}
	for _, file := range files {
		refused := false
		for _, object := range objectsOf(t, file) {
			name, _ := object["kind"].(string)
			if k, known := all[name]; known && object["apiVersion"] == "sealgate.dev/v1alpha1" {
				refused = refused || len(k.refusals(object)) > 0
			}
		}
		reason, excused := left[filepath.Base(file)]
		delete(left, filepath.Base(file))
		if !refused && !excused {
			t.Errorf("%s: is taken, and left-to-others.yaml does not say who refuses it", file)
		}
		if refused && excused {
			t.Errorf("%s: is refused, although left-to-others.yaml says %q", file, reason)
		}
	}
	for name := range left {
		t.Errorf("left-to-others.yaml names %s, which is not there", name)
	}
}

// Nothing that fits into an object may exhaust what the API server allows for its rules.
func TestTheLargestObjectsAreWithinTheBudget(t *testing.T) {
	k := kinds(t)["Attestor"]
	keys := make([]any, 10)
	block := "-----BEGIN PGP PUBLIC KEY BLOCK-----"
	for i := range keys {
		keys[i] = map[string]any{"openpgp": strings.Repeat("A", 65536-len(block)) + block}
	}
	object := map[string]any{
		"apiVersion": "sealgate.dev/v1alpha1", "kind": "Attestor", "metadata": map[string]any{"name": "large"},
		"spec": map[string]any{"note": "projects/p/notes/n", "publicKeys": keys},
	}
	if errs := k.refusals(object); len(errs) > 0 {
		t.Errorf("is refused: %v", errs.ToAggregate())
	}
	names := make([]any, 32)
	for i := range names {
		names[i] = strings.Repeat("a", 251) + string(rune('a'+i/16)) + string(rune('a'+i%16))
	}
	rules := make([]any, 32)
	for i := range rules {
		rules[i] = map[string]any{"attestors": names, "count": int64(math.Min(float64(i+1), 32))}
	}
	policy := map[string]any{
		"apiVersion": "sealgate.dev/v1alpha1", "kind": "ImagePolicy",
		"metadata": map[string]any{"name": "large", "namespace": "shop"},
		"spec":     map[string]any{"require": map[string]any{"attestations": rules}},
	}
	if errs := kinds(t)["ImagePolicy"].refusals(policy); len(errs) > 0 {
		t.Errorf("is refused: %v", errs.ToAggregate())
	}
}
