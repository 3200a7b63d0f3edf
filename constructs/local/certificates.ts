import { webcrypto as crypto, X509Certificate } from "node:crypto";
import type { JsonGeneralNames } from "@peculiar/x509";

/** PEM texts of a certificate and its private key. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY = 86_400_000;
const CA_DAYS = 3650;
/** The longest validity that browsers and Apple's systems accept. */
const SERVER_DAYS = 397;
/** A server's certificate is renewed at startup if it is valid for less than this many days. */
const RENEWAL_DAYS = 60;

/** Loads the certificate library on demand: it takes a tenth of a second, and most commands find existing certificates. */
async function load() {
  // @peculiar/x509 finds its parts by decorators.
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  x509.cryptoProvider.set(crypto);
  return x509;
}

/** Creates a certificate authority for this machine. */
export async function createCa(name: string): Promise<KeyPair> {
  const x509 = await load();
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: `CN=${name}`,
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + CA_DAYS * DAY),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  return { certificate: certificate.toString("pem"), key: await toPem(keys.privateKey) };
}

const LOOPBACK: JsonGeneralNames = [
  { type: "dns", value: "localhost" },
  { type: "ip", value: "127.0.0.1" },
  { type: "ip", value: "::1" },
];

/** Creates a certificate for `localhost` and the loopback addresses, signed by the CA. */
export async function createServerCertificate(ca: KeyPair, days = SERVER_DAYS, names = LOOPBACK): Promise<KeyPair> {
  const x509 = await load();
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
  const authority = new x509.X509Certificate(ca.certificate);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: "CN=localhost",
    issuer: authority.subject,
    notBefore: new Date(Date.now() - DAY * Math.max(1, 1 - days)),
    notAfter: new Date(Date.now() + days * DAY),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: await crypto.subtle.importKey("pkcs8", x509.PemConverter.decodeFirst(ca.key), ALGORITHM, false, ["sign"]),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names),
      // OpenSSL finds the issuer by these if two CAs have the same name.
      await x509.AuthorityKeyIdentifierExtension.create(authority, false, crypto),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, crypto),
    ],
  });
  return { certificate: certificate.toString("pem"), key: await toPem(keys.privateKey) };
}

/** Whether a certificate is valid for long enough, and was signed by the CA. */
export function isCurrent(certificate: string, ca: KeyPair): boolean {
  const parsed = new X509Certificate(certificate);
  if (Date.parse(parsed.validTo) - Date.now() < RENEWAL_DAYS * DAY) return false;
  return parsed.verify(new X509Certificate(ca.certificate).publicKey);
}

async function toPem(key: crypto.CryptoKey): Promise<string> {
  const { PemConverter } = await load();
  return PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

/** Positive and 127 bits long, as RFC 5280 requires. */
function serialNumber(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString("hex");
}
