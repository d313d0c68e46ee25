package c1test

import (
	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	v1 "github.com/conductorone/baton-sdk/pb/c1/connectorapi/baton/v1"
	"google.golang.org/protobuf/types/known/structpb"
)

// FullSync asks for everything.
func FullSync() *v1.Task {
	return v1.Task_builder{SyncFull: &v1.Task_SyncFullTask{}}.Build()
}

// Hello asks the connector to say Hello again.
func Hello() *v1.Task {
	return v1.Task_builder{Hello: &v1.Task_HelloTask{}}.Build()
}

// Grant gives an entitlement to a principal. Both are as a sync has uploaded them.
func Grant(entitlement *v2.Entitlement, principal *v2.Resource) *v1.Task {
	return v1.Task_builder{
		Grant: v1.Task_GrantTask_builder{Entitlement: entitlement, Principal: principal}.Build(),
	}.Build()
}

// Revoke removes a grant, as a sync has uploaded it.
func Revoke(grant *v2.Grant) *v1.Task {
	return v1.Task_builder{Revoke: v1.Task_RevokeTask_builder{Grant: grant}.Build()}.Build()
}

// CreateAccount creates a principal of a resource type.
func CreateAccount(
	resourceType string, account *v2.AccountInfo, credential *v2.CredentialOptions, encryption ...*v2.EncryptionConfig,
) *v1.Task {
	return v1.Task_builder{CreateAccount: v1.Task_CreateAccountTask_builder{
		AccountInfo: account, CredentialOptions: credential, EncryptionConfigs: encryption,
		ResourceTypeId: resourceType,
	}.Build()}.Build()
}

// Delete deletes a resource.
func Delete(id *v2.ResourceId) *v1.Task {
	return v1.Task_builder{DeleteResource: v1.Task_DeleteResourceTask_builder{ResourceId: id}.Build()}.Build()
}

// Rotate replaces the credential of a principal.
func Rotate(id *v2.ResourceId, credential *v2.CredentialOptions, encryption ...*v2.EncryptionConfig) *v1.Task {
	return v1.Task_builder{RotateCredentials: v1.Task_RotateCredentialsTask_builder{
		ResourceId: id, CredentialOptions: credential, EncryptionConfigs: encryption,
	}.Build()}.Build()
}

// ActionSchemas asks for the actions of the connector.
func ActionSchemas() *v1.Task {
	return v1.Task_builder{ActionListSchemas: &v1.Task_ActionListSchemasTask{}}.Build()
}

// InvokeAction invokes an action of the connector; see [Server.RunAction].
func InvokeAction(name string, args *structpb.Struct) *v1.Task {
	return v1.Task_builder{ActionInvoke: v1.Task_ActionInvokeTask_builder{Name: name, Args: args}.Build()}.Build()
}

// ActionStatus asks how an invocation of an action stands.
func ActionStatus(name, id string) *v1.Task {
	return v1.Task_builder{ActionStatus: v1.Task_ActionStatusTask_builder{Name: name, Id: id}.Build()}.Build()
}
