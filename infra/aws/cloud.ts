import { secretReader } from "../../constructs/aws/external-secrets";
import { createSecretsClient } from "../../constructs/aws/functions/task";
import { readVersion, SecretsManagerStore } from "../../constructs/aws/secrets-manager-store";
import { secretStoreOf, toExternalSecret, toSecretStore } from "../../constructs/manifests/objects";
import { UserError } from "../../constructs/model/errors";
import type { Cloud, Deployment } from "../clouds";
import type { ProjectEnvironment } from "../load";
import { type AwsEnvironment, caOf } from "./environment";
import { loadAwsEnvironment } from "./load";
import { readOutputs } from "./outputs";
import { planAws } from "./plan";

/** A store that whoever runs the cluster makes, where this project knows no cluster. */
const CLUSTER_STORE = "aws-secrets-manager";

/** AWS, as the commands see it. */
export const awsCloud: Cloud = {
  name: "aws",
  loadEnvironment: (name) => loadAwsEnvironment(name) as unknown as ProjectEnvironment,
  readDeployment: (environment, file) => readDeployment(environment as unknown as AwsEnvironment, file),
  plan: (environment, against) => planAws(environment as unknown as AwsEnvironment, against),
};

function readDeployment(environment: AwsEnvironment, file: string): Deployment {
  const outputs = readOutputs(environment.name, file);
  const { region } = environment.section;
  const instanceOf = (name: string) => {
    const found = outputs.instances[name];
    if (found === undefined) throw new UserError(`${file} knows no instance ${name}; deploy the environment again`);
    return found;
  };
  const platformOf = (name: string) => {
    const found = outputs.platforms[name];
    if (found === undefined) throw new UserError(`${file} knows no platform ${name}; deploy the environment again`);
    return found;
  };
  return {
    reach: (name) => ({ host: instanceOf(name).host, port: instanceOf(name).port, sidecar: null }),
    ca: (name) => caOf(environment, name),
    secretObjects: (name, wired) => {
      const { secretArn, readerRoleArn } = platformOf(name);
      const ca = caOf(environment, environment.platforms[name as keyof typeof environment.platforms]?.instance ?? "");
      if (readerRoleArn === null) {
        return [toExternalSecret(wired, { secretStore: { kind: "ClusterSecretStore", name: CLUSTER_STORE }, key: secretArn }, ca)];
      }
      const store = toSecretStore(wired, secretReader(region, readerRoleArn));
      return [...store, toExternalSecret(wired, { secretStore: secretStoreOf(wired), key: secretArn }, ca)];
    },
    caution: (name) => {
      const { secretArn, readerRoleArn } = platformOf(name);
      if (readerRoleArn !== null) return null;
      return `The ClusterSecretStore ${CLUSTER_STORE} of External Secrets is yours: let it read ${secretArn}, and decrypt with its key.`;
    },
    access: async (name, patience) => {
      const client = createSecretsClient(region);
      const { host, port, masterSecret } = instanceOf(name);
      const master = await readVersion(client, masterSecret, "AWSCURRENT");
      if (master === null) throw new UserError(`secret ${masterSecret} of the master is empty`);
      const tenants = Object.entries(environment.instances[name]?.tenants ?? {});
      const arns = Object.fromEntries(tenants.map(([platform, { secret }]) => [secret, platformOf(platform).secretArn]));
      const server = { host, port, tls: { mode: "verify-full", ca: caOf(environment, name) } } as const;
      return { server, master: master.credential, store: new SecretsManagerStore(client, arns), patience };
    },
  };
}
