import { createHash, createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { generatePassword } from "../../constructs/provisioning/credential";
import { scramVerifier } from "../../constructs/provisioning/scram";

const hmac = (key: Buffer, message: string) => createHmac("sha256", key).update(message).digest();

describe("scramVerifier", () => {
  it("accepts the client's proof and makes the server's signature of RFC 7677", async () => {
    const salt = "W22ZaJ0SNY7soEsUEjb6gQ==";
    const nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    const message = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=${salt},i=4096,c=biws,r=${nonce}`;
    const [, stored = "", server = ""] = /\$([^$:]+):([^:]+)$/.exec(await scramVerifier("pencil", Buffer.from(salt, "base64"))) ?? [];

    expect(hmac(Buffer.from(server, "base64"), message).toString("base64")).toBe("6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    const signature = hmac(Buffer.from(stored, "base64"), message);
    const proof = Buffer.from("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "base64");
    const clientKey = proof.map((byte, index) => byte ^ (signature[index] ?? 0));
    expect(createHash("sha256").update(clientKey).digest("base64")).toBe(stored);
  });

  it("has the form that PostgreSQL stores, with another salt each time", async () => {
    const [first, second] = await Promise.all([scramVerifier("pencil"), scramVerifier("pencil")]);
    expect(first).toMatch(/^SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/);
    expect(second).not.toBe(first);
  });

  it("refuses what would need SASLprep", async () => {
    await expect(scramVerifier("pässword")).rejects.toThrow("a password must be printable ASCII");
    await expect(scramVerifier("")).rejects.toThrow("a password must be printable ASCII");
  });
});

describe("generatePassword", () => {
  it("makes 32 characters that no driver, shell or template gives a meaning", () => {
    for (const password of Array.from({ length: 200 }, generatePassword)) expect(password).toMatch(/^[A-Za-z0-9][A-Za-z0-9_~.-]{31}$/);
  });

  it("never makes one twice", () => {
    expect(new Set(Array.from({ length: 1000 }, generatePassword)).size).toBe(1000);
  });
});
