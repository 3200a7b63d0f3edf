import { describe, expect, it } from "vitest";
import { gcp } from "../../constructs/gcp/target";
import { CLUSTER, minimalGcp, withGcp } from "../fixtures/gcp";
import { refusal } from "../fixtures/specs";

const refused = (spec: unknown): string => refusal(spec, gcp as never).replace("invalid spec:\n", "");

describe("an environment that is too large, or has a name twice", () => {
  const many = <T>(length: number, value: T) => Object.fromEntries(Array.from({ length }, (_, index) => [`x${index}`, value]));
  const withCluster = (cluster: object) => withGcp(minimalGcp, { cluster: { ...CLUSTER, ...cluster } });

  it.each([
    [
      { ...minimalGcp, instances: { main: { readReplicas: 1 }, "main-replica1": {} }, platforms: { prefect: { instance: "main" } } },
      'instances.main-replica1: is also the name of read replica 1 of main, got "main-replica1"; choose another name [gcp-replica-names-are-free]',
    ],
    [
      { ...minimalGcp, platforms: { prefect: { namespace: "postgres-minimal" } } },
      'platforms.prefect.namespace: must not be the provisioning namespace, because any pod in it can read the master\'s password, got "postgres-minimal"; choose another namespace [gcp-provisioning-has-its-namespace]',
    ],
    [
      { ...minimalGcp, owner: "ml", labels: { environment: "dev", owner: "other" } },
      'labels.environment: is set by this project, from the environment\'s name, got "dev"; remove it, or rename it [labels-of-this-project]\n  - labels.owner: is set by this project, from owner, got "other"; remove it, or change owner [labels-of-this-project]',
    ],
    [
      { ...minimalGcp, labels: many(64, "x") },
      "labels: must have at most 63 entries on Google Cloud, in addition to environment, got 64; remove some [gcp-sixty-four-labels]",
    ],
    [
      { ...withGcp(minimalGcp, { privateServicesAccess: { prefixLength: 24 } }), instances: many(51, {}), platforms: {} },
      "gcp.privateServicesAccess.prefixLength: must be smaller: a /24 range has addresses for only 50 of 51 instances and replicas, got 24; a /20 range has addresses for 1,010 [gcp-range-has-room]",
    ],
    [
      { ...withCluster({ serviceAccounts: "google" }), instances: many(101, {}), platforms: {} },
      'gcp.cluster.serviceAccounts: creates 101 Google service accounts, but a project has at most 100 unless Google has raised the quota, got "google"; use "direct", which creates none, or raise the quota, or move some of them to another environment, in another project; then write acknowledge: { "gcp-google-service-accounts": "<reason>" } [gcp-google-service-accounts]',
    ],
    [
      {
        ...withCluster({}),
        instances: many(1_501, {}),
        platforms: {},
        acknowledge: { "gcp-instances-of-a-project": "Google has raised it" },
      },
      "platforms: need 1,501 members in the project's IAM policy to connect, which accepts 1,500 in total; move some of them to another environment, in another project [gcp-policy-has-room]",
    ],
  ])("is refused in one sentence %#", (spec, sentence) => {
    expect(refused(spec)).toContain(sentence);
  });
});
