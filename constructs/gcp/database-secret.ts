import * as secretmanager from "@pulumi/gcp/secretmanager";
import * as pulumi from "@pulumi/pulumi";

export interface DatabaseSecretArgs {
  readonly project: string;
  /** The only region that holds it: that of the database. */
  readonly region: string;
  /** Its name in Secret Manager. */
  readonly secretId: string;
  /** Cloud KMS key that encrypts it; null leaves that to Google's. @defaultValue `null` */
  readonly encryptionKey?: pulumi.Input<string> | null;
  /** @defaultValue `{}` */
  readonly labels?: Readonly<Record<string, string>>;
}

/** A secret of Secret Manager without a version: whoever makes the password adds it, and no plan or state ever holds a platform's. */
export class DatabaseSecret extends pulumi.ComponentResource {
  /** Whole name: `projects/P/secrets/NAME`. */
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

/** Roles for one secret: to find and read its versions, and to add and destroy some. */
const ACCESS = "roles/secretmanager.secretAccessor";
const ROLES = {
  read: [ACCESS, "roles/secretmanager.viewer"],
  add: [ACCESS, "roles/secretmanager.secretVersionManager"],
} as const;

/** Lets a member use a secret, and no other. */
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
