import * as kms from "@pulumi/gcp/kms";
import * as projects from "@pulumi/gcp/projects";
import * as pulumi from "@pulumi/pulumi";

export interface ServiceAgentsArgs {
  readonly project: string;
  /** Cloud KMS key that they may use. */
  readonly encryptionKey: string;
  /** What must be there first: the services' APIs. */
  readonly after: readonly pulumi.Resource[];
}

/** Google's services that encrypt with the key, each as an identity of its own in the project. */
const SERVICES = ["sqladmin.googleapis.com", "secretmanager.googleapis.com"];

/** Lets Cloud SQL and Secret Manager encrypt with a key of the customer's. Who makes the key need not know them. */
export class ServiceAgents extends pulumi.ComponentResource {
  /** What uses the key has to wait for these. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { project, encryptionKey, after }: ServiceAgentsArgs, opts: pulumi.ComponentResourceOptions) {
    super("platform-postgres:gcp:ServiceAgents", name, {}, opts);
    this.ready = SERVICES.map((service) => {
      const [short] = service.split(".");
      const agent = new projects.ServiceIdentity(`${name}-${short}`, { project, service }, { parent: this, dependsOn: [...after] });
      return new kms.CryptoKeyIAMMember(
        `${name}-${short}`,
        { cryptoKeyId: encryptionKey, role: "roles/cloudkms.cryptoKeyEncrypterDecrypter", member: agent.member },
        // Without it nothing could be decrypted any more: it stays as long as the key does.
        { parent: this, retainOnDelete: true },
      );
    });
    this.registerOutputs({});
  }
}
