import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { toAnswers } from "../infra/init/answers";
import { toEnvironments, toEnvironmentText } from "../infra/init/environments";
import type { NamedSpec } from "../infra/spec";
import { remove, temporary } from "./fixtures/cli";
import { startServer, type TestServer } from "./fixtures/server";
import { ProjectCopy } from "./gcp/engine/project";

const ROOT = resolve(__dirname, "..");

/** A block of output: the page, the command that printed it, and its lines. */
interface Shown {
  readonly page: string;
  readonly command: string;
  readonly lines: readonly string[];
}

const PAGES = readdirSync(join(ROOT, "docs"), { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".md"))
  .map((file) => join("docs", file));
const SHOWN = PAGES.flatMap((page): readonly Shown[] =>
  [...readFileSync(join(ROOT, page), "utf8").matchAll(/^(?:<!-- (?:compared: )?(.+) -->\n)?```text\n([\s\S]*?)^```$/gm)].map(
    ([, command = "", text = ""]) => ({
      page,
      command,
      lines: text.trimEnd().split("\n"),
    }),
  ),
);

/** Rules show what they print themselves: the page is generated of it. */
const isGenerated = ({ page }: Shown): boolean => page === "docs/reference/rules.md";

/** Numbers, dates, the login that is in use, and the widths of tables change; words do not. */
const masked = (text: string): readonly string[] =>
  text
    .replaceAll(/\d[\d.:,-]*/g, "N")
    .replaceAll(/_[ab]\b/g, "_x")
    .replaceAll(/\b(second|minute|hour|day|stack|statement|platform|login|secret)s?\b/g, "$1")
    .replaceAll(/─+/g, "─")
    .replaceAll(/ +/g, " ")
    .split("\n")
    .map((line) => line.trim());

/** What stands in a project before the command of a page runs: an environment by name, and commands that ran before. */
interface Setting {
  readonly environments?: Readonly<Record<string, object>>;
  /** An environment as it was, which `--against /tmp/before.ts` reads. */
  readonly before?: object;
  readonly ran?: readonly (readonly string[])[];
  /** Environments that changed after that. */
  readonly changed?: Readonly<Record<string, object>>;
}

const ON_AWS = { aws: { region: "eu-central-1" }, instances: { main: {} } };
const SHOP = { instances: { main: { highAvailability: false } }, platforms: { shop: { platform: "application" } } };
const ON_GOOGLE = {
  gcp: {
    project: "my-project",
    projectNumber: "123456789012",
    region: "europe-west4",
    network: "default",
    cluster: { name: "ml", location: "europe-west4" },
  },
  instances: { main: {} },
};
const STARTED: Setting = { ran: [["start", "--once"]] };

/** Other pages run in a project as `init` makes it, in which nothing ran. */
const SETTINGS: Readonly<Record<string, Setting>> = {
  "docs/tutorials/first-application.md": { environments: { local: SHOP } },
  "docs/how-to/watch.md": STARTED,
  "docs/how-to/rotate-and-revoke.md": STARTED,
  "docs/how-to/start-a-project.md": { ran: [["snapshot", "--update"]] },
  "docs/how-to/upgrade-postgresql.md": {
    environments: { production: { ...ON_AWS, instances: { main: { majorVersion: 18 } }, platforms: { mlflow: {} } } },
    before: { ...ON_AWS, platforms: { mlflow: {} } },
  },
  "docs/how-to/ci.md": {
    environments: { production: { ...ON_AWS, instances: { main: { storageGib: 50 } }, platforms: { mlflow: {} } } },
    before: { ...ON_AWS, instances: { main: { storageGib: 50 } }, platforms: { mlflow: {} } },
    ran: [["snapshot", "--update"]],
    changed: {
      production: { ...ON_AWS, instances: { main: { size: { vcpus: 2, memoryGib: 16 }, storageGib: 50 } }, platforms: { mlflow: {} } },
    },
  },
  "docs/how-to/upgrade-a-chart.md": {
    environments: {
      production: {
        ...ON_GOOGLE,
        acknowledge: { "mlflow-chart-version": "values of 1.12.0 compared on 2026-12-01" },
        platforms: { mlflow: { chartVersion: "1.12.0" } },
      },
    },
    before: { ...ON_GOOGLE, platforms: { mlflow: {} } },
  },
  "docs/how-to/remove-a-platform.md": {
    environments: { production: { ...ON_AWS, platforms: {} }, local: SHOP },
    before: { ...ON_AWS, platforms: { mlflow: {} } },
    ran: [["start", "--once"]],
    changed: { local: { ...SHOP, platforms: {} } },
  },
};

/** The words after the name of a command of ours, and its name. */
function wordsOf(command: string): readonly string[] {
  if (command === "npm start") return ["start", "--once"];
  if (command === "npm test") return ["snapshot"];
  return command
    .replace(/^npx platform-postgres /, "")
    .replace(/ --url \S+/, "")
    .split(" ");
}

const ADOPTS = "docs/how-to/adopt-an-existing-database.md";

/** A database that somebody has, and the environment that names it. */
class Existing {
  readonly #folder = temporary();
  private constructor(readonly server: TestServer) {
    writeFileSync(join(this.#folder, "ca.pem"), server.ca.certificate);
    writeFileSync(join(this.#folder, "master.json"), JSON.stringify(server.access.master), { mode: 0o600 });
  }

  static start = async (): Promise<Existing> => new Existing(await startServer());

  get setting(): Setting {
    const existing = {
      host: "localhost",
      port: this.server.server.port,
      ca: join(this.#folder, "ca.pem"),
      masterSecret: join(this.#folder, "master.json"),
      maxConnections: 200,
    };
    return { environments: { team: { instances: { main: { existing } }, platforms: { prefect: {} } } } };
  }

  async stop(): Promise<void> {
    await this.server.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** What a person types into a prompt. */
const INPUT: Readonly<Record<string, string>> = {
  "npx platform-postgres sql mlflow --no-psql": "select current_user, session_user;\n",
};

class PageProject {
  readonly #folder = mkdtempSync(join(temporary(), "environments-"));
  readonly #before = join(this.#folder, "..", "before.ts");
  readonly #machine = temporary();
  readonly #project: ProjectCopy;

  constructor({ environments = {}, before, ran = [], changed = {} }: Setting) {
    const made = toEnvironments(toAnswers({ cloud: "aws,gcp" }), ["aws", "gcp"]);
    for (const each of Object.keys(environments).length > 0 ? [] : made)
      writeFileSync(join(this.#folder, `${each.name}.ts`), toEnvironmentText(each));
    for (const [name, spec] of Object.entries(environments))
      writeFileSync(join(this.#folder, `${name}.ts`), `export default ${JSON.stringify(spec)};\n`);
    if (before !== undefined) writeFileSync(this.#before, `export default ${JSON.stringify(before)};\n`);
    this.#project = new ProjectCopy(this.#folder);
    for (const words of ran) this.run(words);
    for (const [name, spec] of Object.entries(changed)) this.#project.write({ ...spec, name } as NamedSpec);
  }

  /** Everything that a command prints. */
  run([name = "", ...args]: readonly string[], input?: string): string {
    const given = args.map((word) => (word === "/tmp/before.ts" ? this.#before : word));
    const { stdout, stderr } = this.#project.run(name, given, { PLATFORM_POSTGRES_DIRECTORY: this.#machine }, input);
    // As it is in a project where nothing stands elsewhere.
    return `${stderr}${stdout}`.replaceAll(`${this.#machine}/`, "");
  }

  remove(): void {
    if (existsSync(join(this.#machine, "out", "local"))) remove(this.#machine, "local");
    for (const directory of [this.#machine, join(this.#folder, "..")]) rmSync(directory, { recursive: true, force: true });
    this.#project.remove();
  }
}

describe("output that pages show", () => {
  it("has a command beside it that prints it, or is a rule's own", () => {
    // What only a program prints that this project does not bring was seen once, as its comment says.
    const isKnown = ({ command }: Shown) => /^(npx platform-postgres|npm|test\/|seen: )/.test(command);
    expect(SHOWN.filter((each) => !isKnown(each) && !isGenerated(each)).map(({ page, lines }) => `${page}: ${lines[0]}`)).toEqual([]);
  });

  it("of a test stands in that test", () => {
    const wrong = SHOWN.filter(({ command }) => command.startsWith("test/")).filter(({ command, lines }) => {
      const text = existsSync(join(ROOT, command)) ? readFileSync(join(ROOT, command), "utf8") : "";
      return !text.includes(JSON.stringify(lines[0] ?? "").slice(1, -1));
    });
    expect(wrong.map(({ page, command }) => `${page}: ${command}`)).toEqual([]);
  });

  const ours = SHOWN.filter(({ command }) => /^(npx platform-postgres|npm) /.test(command));
  it.each([...new Set(ours.map(({ page }) => page))])("of %s is what its commands print", async (page) => {
    const existing = page === ADOPTS ? await Existing.start() : null;
    const project = new PageProject(existing?.setting ?? SETTINGS[page] ?? {});
    try {
      const wrong = ours
        .filter((each) => each.page === page)
        .flatMap(({ command, lines }) => {
          const printed = masked(project.run(wordsOf(command), INPUT[command]));
          return lines
            .filter((line) => !printed.includes(masked(line)[0] ?? ""))
            .map((line) => `${command}: ${line}\n${printed.join("\n")}`);
        });
      expect(wrong).toEqual([]);
    } finally {
      project.remove();
      await existing?.stop();
    }
  });
});
