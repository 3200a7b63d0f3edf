import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { UserError } from "../../constructs/model/errors";
import type { ImportFacts } from "../../constructs/model/imports";
import { suggest } from "../../constructs/model/suggest";
import type { Server } from "../../constructs/provisioning/connect";
import { fromUser } from "../command-line";

/** A place to import data from. */
export type From =
  | { readonly kind: "sqlite" /** Absolute. */; readonly path: string }
  | {
      readonly kind: "postgresql";
      readonly server: Server;
      readonly username: string;
      readonly database: string;
      readonly warning: string | null;
    };

/** The platform that `--from` is read for. */
export interface ImportTarget {
  /** As people write it: `MLflow`. */
  readonly title: string;
  readonly facts: ImportFacts;
  /** Names of databases by the platform's keys. */
  readonly databases: Readonly<Record<string, string>>;
}

/**
 * Reads `--from`: a file or URL for the platform's only database, or one for each, as in `cache=postgresql://...`.
 *
 * @returns what each database comes from, by its name.
 * @throws UserError
 */
export async function readFrom(written: readonly string[], target: ImportTarget): Promise<ReadonlyMap<string, From>> {
  const names = [...new Set(Object.values(target.databases))];
  const found = new Map<string, From>();
  for (const each of written) {
    const [, key = null, place = each] = /^([a-z0-9-]+)=(.*)$/s.exec(each) ?? [];
    const database = key === null ? (names.length === 1 ? names[0] : undefined) : target.databases[key];
    if (key !== null && !Object.hasOwn(target.databases, key))
      throw new UserError(`--from: ${target.title} has no database ${key}; ${suggest(key, Object.keys(target.databases))}`);
    const from = await readPlace(place, target);
    if (database === undefined) throw new UserError(`--from: ${target.title} has several databases; ${toNamed(target)}`);
    if (found.has(database)) throw new UserError(`--from: database ${database} must come from one place; leave one out`);
    found.set(database, from);
  }
  const missing = names.filter((name) => !found.has(name));
  if (missing.length > 0) throw new UserError(`--from: nothing is named for database ${missing.join(", ")}; ${toNamed(target)}`);
  return found;
}

/** Keys by which each database can be named, one for each. */
function toNamed({ databases }: ImportTarget): string {
  const keys = new Map(Object.entries(databases).map(([key, name]) => [name, key]));
  return `name one for each: --from ${[...keys.values()].map((key) => `${key}=postgresql://USER@HOST/DATABASE`).join(" --from ")}`;
}

async function readPlace(written: string, target: ImportTarget): Promise<From> {
  const [, scheme = null] = /^([a-z][a-z0-9]*)(?:\+\w+)?:/i.exec(written) ?? [];
  if (scheme === null) return readFileName(written, target);
  if (/^sqlite3?$/i.test(scheme)) return readFileName(written.replace(/^[^:]*:\/{0,3}/, ""), target);
  if (/^(mysql|mariadb)$/i.test(scheme)) throw new UserError(`--from: MySQL cannot be imported from; ${target.facts.mysql}`);
  if (/^postgres(ql)?$/i.test(scheme)) return readUrl(written.replace(/^[^:]*:/, "postgresql:"));
  throw new UserError(`--from: must be a SQLite file or postgresql://USER@HOST/DATABASE, got ${scheme}:`);
}

async function readFileName(written: string, { title, facts }: ImportTarget): Promise<From> {
  if (written === "") throw new UserError("--from: must be a SQLite file or postgresql://USER@HOST/DATABASE, got nothing");
  const path = fromUser(written);
  const found = await stat(path).catch(() => null);
  const { sqlite } = facts;
  if (found?.isDirectory() === true) {
    const known = sqlite?.directory ?? null;
    const remedy = known === null ? "name a file or a URL" : known.remedy.replaceAll(known.name, basename(path));
    throw new UserError(`--from: ${basename(path)} is a directory; ${remedy}`);
  }
  if (sqlite === null) throw new UserError(`--from: ${title} keeps nothing in SQLite; name postgresql://USER@HOST/DATABASE`);
  if (found === null) throw new UserError(`--from: there is no file ${path}; correct the path, such as ./${sqlite.file}`);
  return { kind: "sqlite", path };
}

const FORM = "postgresql://USER@HOST:5432/DATABASE?sslmode=verify-full&sslrootcert=ca.pem";
const PARAMETERS = ["sslmode", "sslrootcert"];

/** A URL is not repeated: it may hold a password. */
async function readUrl(written: string): Promise<From> {
  if (!URL.canParse(written)) throw new UserError(`--from: must be a URL such as ${FORM}`);
  const { username, password, hostname, port, pathname, searchParams } = new URL(written);
  const unknown = [...searchParams.keys()].filter((name) => !PARAMETERS.includes(name));
  if (password !== "" || searchParams.has("password"))
    throw new UserError("--from: must not contain a password, which every user of this machine would see; put it into IMPORT_PASSWORD");
  if (unknown.length > 0) throw new UserError(`--from: takes no ${unknown.join(", ")}; write ${FORM}`);
  if (username === "" || hostname === "" || pathname.length < 2)
    throw new UserError(`--from: must name user, host and database; write ${FORM}`);
  const mode = searchParams.get("sslmode") ?? "verify-full";
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return {
    kind: "postgresql",
    server: { host, port: Number(port || 5432), tls: await readTls(mode, searchParams.get("sslrootcert")) },
    username: decoded(username),
    database: decoded(pathname.slice(1)),
    warning: mode === "disable" ? `${host} is read without TLS: anyone who listens on the way sees the password and all rows` : null,
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new UserError("--from: must be encoded as a URL, got a % that two hexadecimal digits do not follow; write %25 for it");
  }
}

async function readTls(mode: string, file: string | null): Promise<Server["tls"]> {
  if (mode === "disable") return { mode: "proxy" };
  if (mode !== "verify-full" && mode !== "verify-ca")
    throw new UserError(`--from: sslmode must be verify-full, verify-ca or disable, got ${mode}; the others do not verify the server`);
  if (file === null || file === "system") return { mode, ca: null };
  const ca = await readFile(fromUser(file), "utf8").catch(() => {
    throw new UserError(`--from: sslrootcert must be a file of certificates, got ${file}; correct its path`);
  });
  if (!ca.includes("-----BEGIN CERTIFICATE-----")) throw new UserError(`--from: sslrootcert must contain certificates in PEM, got ${file}`);
  return { mode, ca };
}
