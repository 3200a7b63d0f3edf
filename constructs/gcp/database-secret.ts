import * as secretmanager from "@pulumi/gcp/secretmanager";
import * as pulumi from "@pulumi/pulumi";

export interface DatabaseSecretArgs {
  readonly project: string;
  /** The only region that stores it: the database's. */
  readonly region: string;
  /** Its name in Secret Manager. */
  readonly secretId: string;
  /** Cloud KMS key that encrypts it; null uses Google's keys. @defaultValue `null` */
  readonly encryptionKey?: pulumi.Input<string> | null;
  /** @defaultValue `{}` */
  readonly labels?: Readonly<Record<string, string>>;
}

/** A secret in Secret Manager without a version: provisioning adds the password, so no plan or state ever contains a platform's password. */
export class DatabaseSecret extends pulumi.ComponentResource {
  /** Full name: `projects/P/secrets/NAME`. */
  readonly name: string;
  /** Its name in the project. */
  readonly secretId: string;
  readonly resource: secretmanager.Secret;

  constructor(
    name: string,
    { project, region, secretId, encryptionKey = null, labels = {} }: DatabaseSecretArgs,
    opts: pulumi.ComponentResourceOptions = {},
  ) {
    super("platform-postgres:gcp:DatabaseSecret", name, {}, opts);
    this.secretId = secretId;
    this.name = `projects/${project}/secrets/${secretId}`;
    const customerManagedEncryption = encryptionKey === null ? undefined : { kmsKeyName: encryptionKey };
    this.resource = new secretmanager.Secret(
      name,
      { project, secretId, replication: { userManaged: { replicas: [{ location: region, customerManagedEncryption }] } }, labels },
      { parent: this },
    );
    this.registerOutputs({});
  }
}

/** Roles for one secret: to list and read its versions, and to add and destroy them. */
const ACCESS = "roles/secretmanager.secretAccessor";
const ROLES = {
  read: [ACCESS, "roles/secretmanager.viewer"],
  add: [ACCESS, "roles/secretmanager.secretVersionManager"],
} as const;

/** Grants a member access to one secret. */
export function allowSecret(
  name: string,
  secret: string,
  member: string,
  may: keyof typeof ROLES,
  opts: pulumi.CustomResourceOptions,
): readonly pulumi.Resource[] {
  return ROLES[may].map(
    (role) => new secretmanager.SecretIamMember(`${name}-${role.split(".").at(-1)}`, { secretId: secret, role, member }, opts),
  );
}
