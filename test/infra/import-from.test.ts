import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { completeImport } from "../../constructs/model/imports";
import { toLine } from "../../infra/import/meter";
import { readFrom } from "../../infra/import/read-from";

const facts = completeImport({
  sqlite: { file: "it.db", revisions: {}, upgrade: "", directory: { name: "runs", remedy: "turn runs into a file: convert runs" } },
});
const ONE = { title: "It", facts, databases: { main: "it" } };
const SEVERAL = {
  title: "Them",
  facts: completeImport({ mysql: "export it" }),
  databases: { runs: "runs", cache: "cache", also: "cache" },
};

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "platform-postgres-test-from-"));
  writeFileSync(join(directory, "it.db"), "");
  writeFileSync(join(directory, "ca.pem"), "-----BEGIN CERTIFICATE-----\n");
  mkdirSync(join(directory, "myruns"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const refusal = (written: readonly string[], target: Parameters<typeof readFrom>[1] = ONE) =>
  readFrom(written, target).then(
    () => "accepted",
    (error: Error) => error.message,
  );

describe("--from", () => {
  it("reads a file, by its path or URL", async () => {
    const path = join(directory, "it.db");
    for (const written of [path, `sqlite:///${path}`, `sqlite+aiosqlite:///${path}`, `main=${path}`])
      expect(await readFrom([written], ONE)).toEqual(new Map([["it", { kind: "sqlite", path }]]));
  });

  it("reads the address of another PostgreSQL, which it verifies unless it is told not to", async () => {
    const place = async (written: string) => (await readFrom([written], ONE)).get("it");
    expect(
      await place(`postgresql+psycopg2://m%40x@db.example.com:5433/ml%20flow?sslmode=verify-ca&sslrootcert=${join(directory, "ca.pem")}`),
    ).toEqual({
      kind: "postgresql",
      server: { host: "db.example.com", port: 5433, tls: { mode: "verify-ca", ca: "-----BEGIN CERTIFICATE-----\n" } },
      username: "m@x",
      database: "ml flow",
      warning: null,
    });
    expect(await place("postgres://me@[::1]/db")).toMatchObject({
      server: { host: "::1", port: 5432, tls: { mode: "verify-full", ca: null } },
    });
    expect(await place("postgres://me@h/db?sslmode=disable")).toMatchObject({
      server: { tls: { mode: "proxy" } },
      warning: expect.stringContaining("without TLS"),
    });
  });

  it("takes one for each database of a platform", async () => {
    const found = await readFrom(["runs=postgresql://me@h/a", "also=postgresql://me@h/b"], SEVERAL);
    expect([...found].map(([name, from]) => [name, from.kind === "postgresql" && from.database])).toEqual([
      ["runs", "a"],
      ["cache", "b"],
    ]);
  });

  const FORM = "postgresql://USER@HOST:5432/DATABASE?sslmode=verify-full&sslrootcert=ca.pem";
  const refusals: readonly {
    readonly written: readonly string[];
    readonly why: string;
    readonly target?: Parameters<typeof readFrom>[1];
  }[] = [
    {
      written: ["postgresql://me:canary@h/db"],
      why: "--from: must not contain a password, which every user of this machine would see; put it into IMPORT_PASSWORD",
    },
    {
      written: ["postgresql://me@h/db?password=canary"],
      why: "--from: must not contain a password, which every user of this machine would see; put it into IMPORT_PASSWORD",
    },
    {
      written: ["postgresql://me@h/db?sslmode=require"],
      why: "--from: sslmode must be verify-full, verify-ca or disable, got require; the others do not verify the server",
    },
    {
      written: ["postgresql://me@h/db?sslrootcert=no.pem"],
      why: "--from: sslrootcert must be a file of certificates, got no.pem; correct its path",
    },
    { written: ["postgresql://me@h/db?options=-csearch_path"], why: `--from: takes no options; write ${FORM}` },
    { written: ["postgresql://h/db"], why: `--from: must name user, host and database; write ${FORM}` },
    { written: ["postgresql://me@h"], why: `--from: must name user, host and database; write ${FORM}` },
    {
      written: ["postgresql://me@h/d%zz"],
      why: "--from: must be encoded as a URL, got a % that two hexadecimal digits do not follow; write %25 for it",
    },
    { written: [""], why: "--from: must be a SQLite file or postgresql://USER@HOST/DATABASE, got nothing" },
    { written: ["postgresql://me@h:canary/db"], why: `--from: must be a URL such as ${FORM}` },
    { written: ["mysql+pymysql://me:canary@h/db"], why: "--from: MySQL cannot be imported from; export it", target: SEVERAL },
    { written: ["oracle://h/db"], why: "--from: must be a SQLite file or postgresql://USER@HOST/DATABASE, got oracle:" },
    { written: ["no.db"], why: "--from: there is no file <standing>/no.db; correct the path, such as ./it.db" },
    { written: ["<directory>/myruns"], why: "--from: myruns is a directory; turn myruns into a file: convert myruns" },
    {
      written: ["postgresql://me@h/db"],
      why: "--from: Them has several databases; name one for each: --from runs=postgresql://USER@HOST/DATABASE --from also=postgresql://USER@HOST/DATABASE",
      target: SEVERAL,
    },
    {
      written: ["runs=<directory>/it.db"],
      why: "--from: Them keeps nothing in SQLite; name postgresql://USER@HOST/DATABASE",
      target: SEVERAL,
    },
    {
      written: ["runs=postgresql://me@h/a"],
      why: "--from: nothing is named for database cache; name one for each: --from runs=postgresql://USER@HOST/DATABASE --from also=postgresql://USER@HOST/DATABASE",
      target: SEVERAL,
    },
    {
      written: ["cache=postgresql://me@h/a", "also=postgresql://me@h/b"],
      why: "--from: database cache must come from one place; leave one out",
      target: SEVERAL,
    },
    { written: ["run=postgresql://me@h/a"], why: '--from: Them has no database run; did you mean "runs"?', target: SEVERAL },
  ];
  it.each(refusals)("refuses $written", async ({ written, why, target = ONE }) => {
    const message = await refusal(
      written.map((each) => each.replace("<directory>", directory)),
      target,
    );
    expect(message).toBe(why.replace("<standing>", process.cwd()));
    expect(message).not.toContain("canary");
  });
});

describe("progress of an import", () => {
  it("shows rows, rate and the seconds that are left", () => {
    expect(toLine("copying", "spans", 30_000, 300_000, 3)).toBe("copying spans: 30,000 of 300,000 rows, 10,000 rows/s, 27 s left");
    expect(toLine("checking", "spans", 0, 300_000, 0)).toBe("checking spans: 0 of 300,000 rows");
  });
});
