"""A double of AWS for test/proof/aws.ts: moto, with what it lacks, and right where it errs.

With it, templates resolve, resources are made in an order that CloudFormation could take, and the real functions work on a real
PostgreSQL. It does NOT prove what RDS, EKS, KMS and Secrets Manager accept or how they behave, that IAM allows anything, that one thing
can be reached from another, what CloudFormation refuses, updates, rolls back or replaces.

Its input and output are lines of JSON. It says {"port"} when it listens, {"resource"} for each resource that CloudFormation makes,
{"log"} for what a function prints, and {"instance"} when RDS starts one, to be answered with {"server": {"port", "ca"}}. Asked
{"call": {service, operation, input}}, it answers with {"answer"} or {"problem"}. It ends when its input does.
"""

import io
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import uuid
import zipfile
from graphlib import TopologicalSorter

import boto3
from moto.awslambda.models import LambdaFunction, lambda_backends
from moto.cloudformation import models as cloudformation
from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.kms import models as kms
from moto.rds import models as rds
from moto.secretsmanager.exceptions import SecretHasNoValueException
from moto.secretsmanager.models import SecretsManagerBackend, secretsmanager_backends
from moto.secretsmanager.utils import random_password
from moto.server import ThreadedMotoServer
from moto.ssm import models as ssm

NODE = os.environ["NODE"]
REGION = os.environ["AWS_REGION"]
LAMBDA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lambda.cjs")

speaking = threading.Lock()
started = queue.Queue()


def say(**message):
    with speaking:
        print(json.dumps(message, default=lambda value: value.read().decode() if hasattr(value, "read") else str(value)), flush=True)


# RDS: an instance is a PostgreSQL that the proof starts. The way from its endpoint to that server is bent where a function connects.

servers = {}
create_instance = rds.DBInstance.create_from_cloudformation_json.__func__


def start_instance(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
    properties = cloudformation_json["Properties"]
    is_replica = "SourceDBInstanceIdentifier" in properties
    if not is_replica:
        properties["MasterUserPassword"] = resolve_secret(properties["MasterUserPassword"], account_id, region_name)
    instance = create_instance(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)
    if not is_replica:
        say(instance={"host": instance.address, "username": instance.master_username, "password": properties["MasterUserPassword"]})
        server = started.get()
        if "problem" in server:
            raise RuntimeError(server["problem"])
        servers[instance.address] = {"endpoint": f"{instance.address}:{instance.port}", **server}
    return instance


def resolve_secret(reference, account_id, region_name):
    """What `{{resolve:secretsmanager:ARN:SecretString:KEY::}}` stands for. Nothing but the master's password is resolved."""
    arn, _, rest = reference.removeprefix("{{resolve:secretsmanager:").partition(":SecretString:")
    value = secretsmanager_backends[account_id][region_name].get_secret_value(arn, None, "AWSCURRENT")["SecretString"]
    return json.loads(value)[rest.split(":")[0]]


rds.DBInstance.create_from_cloudformation_json = classmethod(start_instance)
# Without it a reference to a group is the group, not its name.
rds.DBParameterGroup.physical_resource_id = property(lambda self: self.name)


# KMS: its tags are called otherwise than everybody's.

create_key = kms.Key.create_from_cloudformation_json.__func__


def create_tagged_key(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
    properties = cloudformation_json["Properties"]
    properties["Tags"] = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in properties.get("Tags", [])]
    return create_key(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)


kms.Key.create_from_cloudformation_json = classmethod(create_tagged_key)


# Systems Manager: a parameter without a name gets one from CloudFormation, and its tags are a map there.

create_parameter = ssm.Parameter.create_from_cloudformation_json.__func__


def create_named_parameter(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
    properties = cloudformation_json["Properties"]
    properties.setdefault("Name", resource_name)
    tags = properties.get("Tags")
    properties["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()] if isinstance(tags, dict) else tags or []
    return create_parameter(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs)


ssm.Parameter.create_from_cloudformation_json = classmethod(create_named_parameter)


# Lambda: without Docker, the code that was uploaded, in a process of Node, with the function's variables and no others of the shell.


def invoke(function, event):
    """What the function answers, as JSON. What it throws is a ValidationError, which the CLI shows."""
    module, export = function.handler.split(".")
    told = json.dumps([function.environment_vars, event])
    reached = [server for host, server in servers.items() if host in told]
    environment = {
        **function.environment_vars,
        **{name: os.environ[name] for name in ("AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")},
        "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true",
        # In the place of the region's certificate authorities.
        "DATABASE_CA": "".join(server["ca"] for server in reached),
    }
    with tempfile.TemporaryDirectory() as directory:
        zipfile.ZipFile(io.BytesIO(function.code_bytes)).extractall(directory)
        done = subprocess.run(
            [NODE, LAMBDA, os.path.join(directory, f"{module}.js"), export],
            input=json.dumps({"event": event, "seconds": function.timeout, "ports": {each["endpoint"]: each["port"] for each in reached}}),
            env=environment,
            capture_output=True,
            text=True,
        )
    say(log=done.stderr)
    if done.returncode != 0:
        raise ValidationError(message=done.stdout or done.stderr)
    return done.stdout


def answer_invocation(self, event=None):
    try:
        return invoke(self, event), False, ""
    except ValidationError as error:
        return json.dumps({"errorMessage": error.message}), True, ""


LambdaFunction._invoke_lambda = answer_invocation


# Secrets Manager: what it says of a secret without a value, and a rotation in four steps.

get_secret_value = SecretsManagerBackend.get_secret_value


def get_existing_value(self, secret_id, version_id, version_stage):
    if secret_id in self.secrets and not version_id:
        stage = version_stage or "AWSCURRENT"
        if not any(stage in version["version_stages"] for version in self.secrets[secret_id].versions.values()):
            raise SecretHasNoValueException(stage)
    return get_secret_value(self, secret_id, version_id, version_stage)


def rotate_secret(self, secret_id, client_request_token=None, rotation_lambda_arn=None, rotation_rules=None, rotate_immediately=True):
    """https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html"""
    secret = self.secrets[secret_id]
    secret.rotation_requested = secret.rotation_enabled = True
    secret.rotation_lambda_arn = rotation_lambda_arn or secret.rotation_lambda_arn
    secret.auto_rotate_after_days = (rotation_rules or {}).get("AutomaticallyAfterDays", secret.auto_rotate_after_days)
    function = lambda_backends[self.account_id][self.region_name].get_function(secret.rotation_lambda_arn)
    token = client_request_token or str(uuid.uuid4())
    secret.remove_version_stages_from_old_versions(["AWSPENDING"])
    secret.versions[token] = {"createdate": int(time.time()), "version_id": token, "version_stages": ["AWSPENDING"]}
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] if rotate_immediately else ["testSecret"]:
        invoke(function, {"Step": step, "SecretId": secret.arn, "ClientRequestToken": token})
    if rotate_immediately:
        secret.set_default_version_id(token)
    else:
        del secret.versions[token]
    return secret.to_short_dict()


SecretsManagerBackend.get_secret_value = get_existing_value
SecretsManagerBackend.rotate_secret = rotate_secret


# CloudFormation: types that moto lacks, functions that it lacks, its order, and what becomes of a stack that fails.


class Noted:
    """A resource of a type that moto does not have: it exists, and that is all."""

    def __init__(self, name, account_id, region_name):
        self.physical_resource_id = name
        self.arn = f"arn:aws:double:{region_name}:{account_id}:{name}"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        return cls(resource_name, account_id, region_name)

    @classmethod
    def has_cfn_attr(cls, attribute):
        return True

    def get_cfn_attribute(self, attribute):
        return self.arn if attribute.endswith("Arn") else f"{self.physical_resource_id}.{attribute}"

    def is_created(self):
        return True

    def delete(self, account_id, region_name):
        pass


class Secret(Noted):
    """Empty, unless its first value is to be generated."""

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        properties = cloudformation_json["Properties"]
        generate = properties.get("GenerateSecretString")
        value = None
        if generate is not None:
            password = random_password(
                generate["PasswordLength"], generate["ExcludeCharacters"], False, False, False, False, False, True
            )
            value = json.dumps({**json.loads(generate["SecretStringTemplate"]), generate["GenerateStringKey"]: password})
        backend = secretsmanager_backends[account_id][region_name]
        created = backend.create_secret(
            resource_name, value, None, properties.get("Description"), properties.get("Tags"), properties.get("KmsKeyId"), None, [], False
        )
        return cls(json.loads(created)["ARN"], account_id, region_name)

    def delete(self, account_id, region_name):
        secretsmanager_backends[account_id][region_name].delete_secret(self.physical_resource_id, None, True)


class RotationSchedule(Noted):
    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        properties = cloudformation_json["Properties"]
        secretsmanager_backends[account_id][region_name].rotate_secret(
            properties["SecretId"],
            rotation_lambda_arn=properties["RotationLambdaARN"],
            rotation_rules=properties["RotationRules"],
            rotate_immediately=properties["RotateImmediatelyOnUpdate"],
        )
        return cls(resource_name, account_id, region_name)


class OwnResource(Noted):
    """A custom resource of this project: calls the function behind CDK's provider, as that does."""

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **kwargs):
        created = cls(resource_name, account_id, region_name)
        created.event = {
            "StackId": kwargs["StackId"],
            "LogicalResourceId": kwargs["LogicalId"],
            "ResourceType": kwargs["ResourceType"],
            "ResourceProperties": to_texts(cloudformation_json["Properties"]),
        }
        created.physical_resource_id = created.request("Create", account_id, region_name)["PhysicalResourceId"]
        return created

    def request(self, request_type, account_id, region_name, **more):
        functions = lambda_backends[account_id][region_name]
        provider = functions.get_function(self.event["ResourceProperties"]["ServiceToken"])
        function = functions.get_function(provider.environment_vars["USER_ON_EVENT_FUNCTION_ARN"])
        return json.loads(invoke(function, {"RequestType": request_type, "RequestId": str(uuid.uuid4()), **self.event, **more}))

    def delete(self, account_id, region_name):
        self.request("Delete", account_id, region_name, PhysicalResourceId=self.physical_resource_id)


def to_texts(value):
    """CloudFormation hands custom resources nothing but texts."""
    if isinstance(value, dict):
        return {key: to_texts(each) for key, each in value.items()}
    if isinstance(value, list):
        return [to_texts(each) for each in value]
    return value if isinstance(value, str) else json.dumps(value)


TYPES = {
    "AWS::SecretsManager::Secret": Secret,
    "AWS::SecretsManager::RotationSchedule": RotationSchedule,
    "Custom::PostgresProvisioning": OwnResource,
    "Custom::PostgresDeletionProtection": OwnResource,
}


def class_of(resource_type):
    return TYPES.get(resource_type) or parsing.get_model_map().get(resource_type, Noted)


clean_json = parsing.clean_json


def resolve(value, resources):
    if isinstance(value, dict) and "Fn::GetStackOutput" in value:
        output = resolve(value["Fn::GetStackOutput"], resources)
        backend = cloudformation.cloudformation_backends[resources["AWS::AccountId"]][output["Region"]]
        return backend.get_stack(output["StackName"]).output_map[output["OutputName"]].value
    if isinstance(value, dict) and "Fn::GetAZs" in value:
        return [resources["AWS::Region"] + zone for zone in "abc"]
    return clean_json(value, resources)


create_resource = parsing.parse_and_create_resource


def create_and_tell(logical_id, resource_json, resources, account_id, region_name):
    resource = create_resource(logical_id, resource_json, resources, account_id, region_name)
    if resource is not None:
        properties = resolve(resource_json["Properties"], resources)
        say(
            resource={
                "stack": resources["AWS::StackName"],
                "id": logical_id,
                "physicalId": getattr(resource, "physical_resource_id", None),
                "type": resource_json["Type"],
                "noted": type(resource) is Noted,
                "properties": to_texts(properties) if resource_json["Type"].startswith("Custom::") else properties,
            }
        )
    return resource


def references(value):
    """Logical ids that something refers to; others, too."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key in ("Ref", "Fn::GetAtt", "DependsOn"):
                yield from [each] if isinstance(each, str) else each
            else:
                yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def order(self):
    """By what resources refer to, and otherwise the wrong way round: what need not wait comes first, wherever it is written."""
    resources = dict(reversed(self._resource_json_map.items()))
    return list(TopologicalSorter({name: set(references(each)) & resources.keys() for name, each in resources.items()}).static_order())


def delete_resources(self):
    """What is retained stays, unless the stack was never complete."""
    retained = ("Retain", "RetainExceptOnCreate") if is_complete(self) else ("Retain",)
    for name in reversed(order(self)):
        resource_json = self._resource_json_map[name]
        resource = self._parsed_resources.pop(name, None)
        if resource is not None and resource_json.get("DeletionPolicy") not in retained:
            self._delete_resource(resource, resource_json)


create_resources = cloudformation.Stack.create_resources
outputs = cloudformation.Stack.outputs.fget


def is_complete(resources):
    return getattr(resources, "complete", False)


def create_or_fail(self):
    """A stack that fails is one that failed: an error of the server would be tried again, and then taken for success."""
    try:
        create_resources(self)
        self.resource_map.complete = True
    except Exception as error:
        fail(self, "ROLLBACK_COMPLETE", error)


def delete_stack(self, name):
    stack = self.get_stack(name)
    if stack.enable_termination_protection:
        raise ValidationError(message=f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
    try:
        stack.delete()
    except Exception as error:
        return fail(stack, "DELETE_FAILED", error)
    self.deleted_stacks[stack.stack_id] = self.stacks.pop(stack.stack_id)


def fail(stack, status, error):
    reason = getattr(error, "message", None) or repr(error)
    stack.status, stack.status_reason = status, reason
    stack._add_stack_event(status, resource_status_reason=reason)


parsing.resource_class_from_type = class_of
parsing.clean_json = resolve
parsing.parse_and_create_resource = create_and_tell
parsing.ResourceMap._ResourceMap__get_resources_in_dependency_order = order
parsing.ResourceMap.delete = delete_resources
cloudformation.Stack.create_resources = create_or_fail
# Looking at those of a stack that has failed would go on making it.
cloudformation.Stack.outputs = property(lambda self: outputs(self) if is_complete(self.resource_map) else None)
cloudformation.CloudFormationBackend.delete_stack = delete_stack


def call(service, operation, input):
    """Over HTTP, as anybody."""
    return getattr(boto3.client(service, region_name=REGION), operation)(**input)


def main():
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    port = server.get_host_and_port()[1]
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{port}"
    say(port=port)
    for line in sys.stdin:
        message = json.loads(line)
        if "server" in message:
            started.put(message["server"])
            continue
        try:
            say(answer=call(**message["call"]))
        except Exception as error:
            say(problem=str(error))


main()
