import { describe, expect, it } from "vitest";
import { aws } from "../../constructs/aws/target";
import { gcp } from "../../constructs/gcp/target";
import { formatViolation, SpecError } from "../../constructs/model/errors";
import { resolveUnknown } from "../../constructs/model/resolve";
import type { Target } from "../../constructs/model/target";
import { platforms } from "../../constructs/platforms/registry";
import { CLOUDS } from "../../infra/spec";
import { CLUSTER as EKS, minimalAws } from "../fixtures/aws";
import { CLUSTER as GKE, minimalGcp } from "../fixtures/gcp";

/** How a spec is refused, or what it is warned of: without paths and ids, which name the cloud. */
function verdictOf(spec: unknown, target: Target): readonly string[] {
  const withoutNames = (line: string) =>
    line
      .replace(/^( {2}- )?[^:]+: /, "")
      .replace(/ \[[a-z0-9-]+\]$/, "")
      .replace(/"(aws|gcp)-/, '"');
  try {
    const { warnings } = resolveUnknown(spec, { target, platforms, sections: CLOUDS });
    return warnings.map((each) => `warning: ${withoutNames(formatViolation(each))}`);
  } catch (error) {
    if (error instanceof SpecError) return error.violations.map((each) => `error: ${withoutNames(formatViolation(each))}`);
    throw error;
  }
}

const onAws = (main: object, section: object = {}) =>
  verdictOf({ ...minimalAws, instances: { main }, aws: { ...minimalAws.aws, ...section } }, aws as never as Target);
const onGcp = (main: object, section: object = {}) =>
  verdictOf({ ...minimalGcp, instances: { main }, gcp: { ...minimalGcp.gcp, ...section } }, gcp as never as Target);

const secretOf = (cloud: "aws" | "gcp") =>
  cloud === "aws" ? "arn:aws:secretsmanager:eu-central-1:111122223333:secret:master-AbCdEf" : "master";
const existing = (cloud: "aws" | "gcp", change: object) => ({
  existing: { host: "db.example", ca: "ca.pem", masterSecret: secretOf(cloud), ...change },
});

describe("the same mistake has the same verdict on both clouds", () => {
  it.each([
    { backupRetentionDays: 0, pointInTimeRecovery: false, highAvailability: false },
    { backupRetentionDays: 0, highAvailability: false },
    { storageGib: 100, maxStorageGib: 99 },
    { allowedSources: ["0.0.0.0/0"] },
    { allowedSources: ["08.0.0.0/8"] },
    { parameters: { ssl: "off" } },
  ])("%j", (main) => {
    expect(onAws(main)).toEqual(onGcp(main));
    expect(onAws(main)).toHaveLength(1);
  });

  it.each([{ port: 3306 }, { host: "localhost" }, { host: "db:5432" }, { host: "169.254.1.1" }, { ca: "-----BEGIN PRIVATE KEY-----" }])(
    "an existing database with %j",
    (change) => {
      expect(onAws(existing("aws", change))).toEqual(onGcp(existing("gcp", change)));
      expect(onAws(existing("aws", change))).toHaveLength(1);
    },
  );

  it.each([
    ["installReloader", true],
    ["installExternalSecrets", true],
  ])("%s without releases", (field, value) => {
    const change = { installReleases: false, [field]: value };
    expect(onAws({}, { cluster: { ...EKS, ...change } })).toEqual(onGcp({}, { cluster: { ...GKE, ...change } }));
    expect(onAws({}, { cluster: { ...EKS, ...change } })).toEqual(["warning: has no effect with installReleases: false"]);
  });

  it("an existing database's settings at an instance that is created", () => {
    const verdict = ['error: must name an instance with existing, got "main"'];
    expect(onAws({}, { existingSecurityGroups: { main: "sg-0a1b2c3d" } })).toEqual(verdict);
    expect(onGcp({}, { existingConnections: { main: "my-project:europe-west4:db" } })).toEqual(verdict);
  });

  it("a key of another region", () => {
    const key = "projects/my-project/locations/europe-west1/keyRings/ml/cryptoKeys/postgres";
    expect(onAws({}, { kmsKey: "arn:aws:kms:eu-west-1:111122223333:key/0a1b" })).toEqual([
      'error: must be in eu-central-1, got "arn:aws:kms:eu-west-1:111122223333:key/0a1b"',
    ]);
    expect(onGcp({}, { encryptionKey: key })).toEqual([`error: must be in europe-west4, got "${key.slice(0, 56)}...`]);
  });
});
