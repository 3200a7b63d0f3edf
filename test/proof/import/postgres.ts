import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MajorVersion } from "../../../constructs/model/instance";
import { withClient } from "../../../constructs/provisioning/connect";
import { generatePassword } from "../../../constructs/provisioning/credential";
import { commandLines } from "../../fixtures/cli";
import { singleUser, startServer, type TestServer } from "../../fixtures/server";
import type { Variables } from "../started";
import type { Proof } from "../tools";
import { readMlflow } from "./mlflow";
import { REWRITTEN, readPrefect } from "./prefect";
import { mlflow, must, prefect, program } from "./programs";
import { answersEqual, proofOf, type Ran, refusedWith, succeeded, type World } from "./world";

/** Majors that are imported from, and the major of the environment's server. */
const ROUTES = [
  { from: 15, to: 17, platforms: ["mlflow", "prefect"] },
  { from: 16, to: 17, platforms: ["mlflow", "prefect"] },
  { from: 17, to: 18, platforms: ["mlflow"] },
] as const;

const ADMIN = "old_admin";
const OWNER = "some_team";

/** A server as people set one up by hand: a superuser who logs in, and databases that belong to a login of another name. */
class ByHand {
  readonly passwords: Readonly<Record<string, string>> = { [ADMIN]: `canary-${generatePassword()}`, [OWNER]: generatePassword() };

  private constructor(
    readonly server: TestServer,
    readonly ca: string,
    readonly otherCa: string,
  ) {}

  static async start(major: MajorVersion, folder: string): Promise<ByHand> {
    const first = await startServer(major);
    await first.stop();
    const its = new ByHand(first, join(folder, "ca.pem"), join(folder, "other-ca.pem"));
    const roles = { [ADMIN]: "superuser login", [OWNER]: "login" };
    for (const [name, rights] of Object.entries(roles))
      await singleUser(major, first.options.directory, `create role ${name} ${rights} password '${its.passwords[name]}'`);
    writeFileSync(its.ca, first.ca.certificate);
    writeFileSync(its.otherCa, first.stranger.certificate);
    const again = await first.startAgain(first.server.port);
    const credential = { username: ADMIN, password: its.passwords[ADMIN] ?? "" };
    await withClient(again.access.server, credential, "postgres", async (client) => {
      for (const name of ["mlflow", "prefect"]) await client.query(`create database of_${name} owner ${OWNER}`);
    });
    return Object.assign(its, { server: again });
  }

  variablesOf(kind: string): Variables {
    const { port } = this.server.server;
    const password = this.passwords[OWNER] ?? "";
    const tls = { PGSSLMODE: "verify-full", PGSSLROOTCERT: this.ca };
    return kind === "prefect"
      ? {
          ...tls,
          PREFECT_SERVER_DATABASE_CONNECTION_URL: `postgresql+asyncpg://${OWNER}:${encodeURIComponent(password)}@localhost:${port}/of_prefect`,
        }
      : {
          ...tls,
          PGHOST: "localhost",
          PGPORT: String(port),
          PGUSER: OWNER,
          PGPASSWORD: password,
          PGDATABASE: "of_mlflow",
          MLFLOW_BACKEND_STORE_URI: "postgresql+psycopg2:///",
        };
  }

  /** @param login who reads: the superuser, or the owner. */
  url(kind: string, login = ADMIN, ca = this.ca): string {
    return `postgresql://${login}@localhost:${this.server.server.port}/of_${kind}?sslmode=verify-full&sslrootcert=${ca}`;
  }
}

/** Writes through the platform's own server, which migrates first. */
async function fill(world: World, kind: "mlflow" | "prefect", folder: string, variables: Variables): Promise<void> {
  const server = await (kind === "prefect" ? world.servePrefect(folder, variables) : world.serveMlflow(folder, variables));
  if (kind === "prefect") must([prefect(), program("write_prefect.py")], { PREFECT_API_URL: `${server.url}/api` }, folder);
  else must([mlflow(), program("write_mlflow.py"), "4"], { MLFLOW_TRACKING_URI: server.url }, folder);
  await server.stop();
}

/** Imports, and looks for a password in the arguments of every process meanwhile. */
async function watched(
  running: Promise<Ran>,
  password: string,
): Promise<{ readonly ran: Ran; readonly seen: readonly string[]; readonly looks: number }> {
  const seen: string[] = [];
  let looks = 0;
  const timer = setInterval(() => {
    looks += 1;
    seen.push(...commandLines().filter((line) => line.includes(password)));
  }, 50);
  const ran = await running.finally(() => clearInterval(timer));
  return { ran, seen, looks };
}

export async function provePostgres(world: World): Promise<readonly Proof[]> {
  const proofs: Proof[] = [];
  const secrets: string[] = [];
  for (const { from, to, platforms } of ROUTES) {
    const folder = world.folder(`postgresql-${from}`);
    const source = await ByHand.start(from, folder);
    secrets.push(...Object.values(source.passwords));
    try {
      for (const kind of platforms) {
        const name = `${kind}-of-${from}`;
        const files = world.folder(`postgresql-${from}/${kind}`);
        const read = kind === "mlflow" ? readMlflow : readPrefect;
        await fill(world, kind, files, source.variablesOf(kind));
        // Some of what they write comes after an answer: a server that was stopped has written it.
        const before = await read(world, files, source.variablesOf(kind));
        world.migrate(name);
        const login = kind === "prefect" ? OWNER : ADMIN;
        const password = source.passwords[login] ?? "";
        if (kind === "mlflow" && from === 15) {
          const other = await world.import(name, source.url(kind, login, source.otherCa), [], { IMPORT_PASSWORD: password });
          proofs.push(refusedWith("a source whose certificate is of another CA is refused", other, "certificate"));
        }
        const { ran, seen, looks } = await watched(
          world.import(name, source.url(kind, login), [], { IMPORT_PASSWORD: password }),
          password,
        );
        const after = await read(world, files, world.variablesOf(name));
        const route = `${kind}, PostgreSQL ${from} to ${to}`;
        proofs.push(
          succeeded(`${route}: imported by ${login === ADMIN ? "a superuser" : "the owner"}, over TLS that is verified`, ran),
          answersEqual(`${route}: both answer the same`, before, after, REWRITTEN),
          proofOf(
            `${route}: the password is no argument of a process`,
            seen.length === 0 && looks > 0 ? null : seen.join("\n"),
            `looked ${looks} times`,
          ),
        );
      }
    } finally {
      await source.server.stop();
    }
  }
  const leaked = world.printed.filter((text) => secrets.some((secret) => text.includes(secret)));
  const doctor = await world.run(["npm", "run", "--silent", "doctor", "--", "--environment", "local", "--all"]);
  const summary = doctor.output
    .split("\n")
    .filter((line) => /^[✔✖] \d/.test(line))
    .join(" ");
  return [
    ...proofs,
    proofOf(
      "the source's passwords are in no output",
      leaked.length === 0 ? null : `${leaked.length} outputs hold one`,
      `${world.printed.length} texts`,
    ),
    proofOf("npm run doctor passes", doctor.code === 0 ? null : doctor.output, summary),
  ];
}
