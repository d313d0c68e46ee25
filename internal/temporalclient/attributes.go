package temporalclient

import (
	"context"
	"fmt"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"
)

// AddSearchAttributes adds the keys that the namespace lacks, and returns their names.
// It fails if it may not list or add search attributes; then the names are those that
// are still missing.
func AddSearchAttributes(
	ctx context.Context, c client.Client, namespace string, keys []temporal.SearchAttributeKey,
) (added []string, err error) {
	known, err := c.OperatorService().ListSearchAttributes(ctx,
		&operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return nil, fmt.Errorf("cannot list the search attributes of namespace %q: %w", namespace, err)
	}
	missing := map[string]enums.IndexedValueType{}
	for _, k := range keys {
		if _, there := known.GetCustomAttributes()[k.GetName()]; !there {
			missing[k.GetName()] = k.GetValueType()
			added = append(added, k.GetName())
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	_, err = c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: namespace, SearchAttributes: missing,
	})
	if err != nil {
		return added, fmt.Errorf("cannot add the search attributes %s to namespace %q: %w",
			strings.Join(added, ", "), namespace, err)
	}
	return added, nil
}
