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

// SearchAttributes makes the server know the keys, where it lets us. It returns the
// names of those it did not know before, and an error if it still does not.
func SearchAttributes(
	ctx context.Context, c client.Client, namespace string, keys []temporal.SearchAttributeKey,
) (added []string, err error) {
	known, err := c.OperatorService().ListSearchAttributes(ctx,
		&operatorservice.ListSearchAttributesRequest{Namespace: namespace})
	if err != nil {
		return nil, fmt.Errorf("search attributes of namespace %q cannot be listed: %w", namespace, err)
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
		return added, fmt.Errorf("search attributes %s are missing in namespace %q and cannot be added: %w",
			strings.Join(added, ", "), namespace, err)
	}
	return added, nil
}
