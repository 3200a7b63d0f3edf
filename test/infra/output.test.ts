import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { ProcessText } from "../../constructs/model/platform";
import { toEnvFile, writeOutput } from "../../infra/output";
import { temporary } from "../fixtures/cli";

describe("toEnvFile", () => {
  const credential = { username: "me", password: "p/w" };
  const values = { credential, secret: { url: "postgresql://u:p@h/d" }, caFile: "/out/ca.pem", directory: "/out/it" };

  it("writes texts, keys of the Secret and the CA's path, without quotes", () => {
    expect(toEnvFile({ A: "1", URL: { secretKey: "url" }, PGSSLROOTCERT: { caFile: true }, Q: `"quoted"` }, values)).toBe(
      'A=1\nURL=postgresql://u:p@h/d\nPGSSLROOTCERT=/out/ca.pem\nQ="quoted"\n',
    );
  });

  it("writes texts with fields of the credential, encoded, and paths of this machine", () => {
    const url: ProcessText = [
      "x://",
      { field: "username", encoding: "raw" },
      ":",
      { field: "password", encoding: "url" },
      "?ca=",
      { caFile: true },
    ];
    expect(toEnvFile({ URL: url, FILE: [{ file: "pass.txt" }] }, values)).toBe("URL=x://me:p%2Fw?ca=/out/ca.pem\nFILE=/out/it/pass.txt\n");
  });

  it.each(["a b", "a\tb", "a\nb"])("refuses %j without showing it", (text) => {
    expect(() => toEnvFile({ URL: { secretKey: "url" } }, { ...values, secret: { url: text } })).toThrow(
      /^URL would contain white space, which platform\.env does not support; remove it$/,
    );
  });
});

describe("writeOutput", () => {
  const directory = temporary();
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it("gives secret files mode 0600, and removes those of platforms that are gone", async () => {
    await writeOutput(directory, [
      { path: "old/platform.env", content: "A=1\n", secret: true },
      { path: "new/platform.env", content: "A=1\n", secret: true },
    ]);
    await writeOutput(directory, [
      { path: "new/platform.env", content: "A=2\n", secret: true },
      { path: "new/values.yaml", content: "a: 1\n", secret: false },
    ]);
    expect(readdirSync(directory)).toEqual(["new"]);
    expect(readFileSync(join(directory, "new/platform.env"), "utf8")).toBe("A=2\n");
    expect(statSync(join(directory, "new/platform.env")).mode & 0o777).toBe(0o600);
    expect(statSync(join(directory, "new/values.yaml")).mode & 0o777).toBe(0o644);
  });
});
