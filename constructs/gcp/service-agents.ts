import * as kms from "@pulumi/gcp/kms";
import * as projects from "@pulumi/gcp/projects";
import * as pulumi from "@pulumi/pulumi";

export interface ServiceAgentsArgs {
  readonly project: string;
  /** Cloud KMS key that they may use. */
  readonly encryptionKey: string;
  /** Resources that must exist first: the services' APIs. */
  readonly after: readonly pulumi.Resource[];
}

/** Google services that encrypt with the key, each with a separate identity in the project. */
const SERVICES = ["sqladmin.googleapis.com", "secretmanager.googleapis.com"];

/** Lets Cloud SQL and Secret Manager encrypt with the customer's key, so that the key's creator does not have to. */
export class ServiceAgents extends pulumi.ComponentResource {
  /** Resources that use the key must wait for these. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { project, encryptionKey, after }: ServiceAgentsArgs, opts: pulumi.ComponentResourceOptions) {
    super("platform-postgres:gcp:ServiceAgents", name, {}, opts);
    this.ready = SERVICES.map((service) => {
      const [short] = service.split(".");
      const agent = new projects.ServiceIdentity(`${name}-${short}`, { project, service }, { parent: this, dependsOn: [...after] });
      return new kms.CryptoKeyIAMMember(
        `${name}-${short}`,
        { cryptoKeyId: encryptionKey, role: "roles/cloudkms.cryptoKeyEncrypterDecrypter", member: agent.member },
        // Without it, nothing could be decrypted: it remains as long as the key.
        { parent: this, retainOnDelete: true },
      );
    });
    this.registerOutputs({});
  }
}
