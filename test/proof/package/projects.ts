import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../gcp/engine/double";
import { inMemory, World } from "../../gcp/engine/world";
import { MissingTool, type Proof } from "../tools";
import { packAs, published } from "./contents";
import { findMlflow, Mlflow, whileStarted } from "./mlflow";
import { complete, init, must, name, temporary, timed, typeCheck, version, write } from "./user";

const project = { a: join(temporary, "a"), b: join(temporary, "b"), c: join(temporary, "c") };
const VPC = "vpc-0a1b2c3d4e5f60718";
const SUBNETS = { "eu-central-1a": "subnet-0a1b2c3d4e5f60711", "eu-central-1b": "subnet-0a1b2c3d4e5f60712" };
/** Higher than any. */
const NEWER = "99.1.0";

/** The last line of what is printed that says something. */
const lastLine = (output: string): string => output.trim().split("\n").at(-1) ?? "";
const npx = (directory: string, ...words: readonly string[]): string => must(directory, "npx", "--no-install", ...words);

/** What a project must keep: all that is not installed or made anew. */
const filesOf = (directory: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    published(directory)
      .filter((file) => !/^(node_modules|vendor|\.local|out|cdk\.out)\/|^package(-lock)?\.json$/.test(file))
      .map((file) => [file, readFileSync(join(directory, file), "utf8")]),
  );

/** What editors and the project's own test say of it. */
function checks(directory: string, says: RegExp): string {
  assert.equal(typeCheck(join(directory, "tsconfig.json")), null);
  const tested = must(directory, "npm", "test");
  assert.match(tested, says);
  return lastLine(tested);
}

/** The files that MLflow starts with: it is the same login as long as they are the same. */
const loginOf = (directory: string): string => readFileSync(join(directory, "out", "local", "mlflow", "platform.env"), "utf8");

/** (a), and (g) in the same project. */
async function onThisMachine(): Promise<readonly Proof[]> {
  const directory = project.a;
  const python = findMlflow();
  const written: { login: string; run: string | null } = { login: "", run: null };
  const withMlflow = async (what: string, act: (mlflow: Mlflow) => string): Promise<Proof> => {
    if (python instanceof MissingTool) return { what, problem: null, shown: "", missing: python.message };
    return timed(what, () =>
      whileStarted(directory, async () => {
        const mlflow = new Mlflow(directory, python);
        try {
          return act(mlflow);
        } finally {
          await mlflow.stop();
        }
      }),
    );
  };
  const before = [
    await timed("(a) init --cloud none", () => {
      init(directory, "--cloud=none");
      return `${Object.keys(filesOf(directory)).length} files`;
    }),
    await timed("(a) npm start -- --once", () => {
      const started = must(directory, "npm", "start", "--", "--once");
      written.login = loginOf(directory);
      assert.match(started, /\d+ checks passed/);
      return /\d+ checks passed/.exec(started)?.[0] ?? "";
    }),
    await timed("(a) its files compile, and npm test", () => checks(directory, /nothing to compare/)),
    await withMlflow("(a) npm start, and a real MLflow writes by out/local/mlflow/platform.env", (mlflow) => {
      assert.equal(loginOf(directory), written.login);
      written.run = mlflow.write("before the upgrade");
      return mlflow.read(written.run);
    }),
  ];
  return [
    ...before,
    ...(await upgrade(directory, written.login)),
    await withMlflow("(g) npm start again: the run that MLflow wrote is there, by the same password", (mlflow) => {
      assert.equal(loginOf(directory), written.login);
      return mlflow.read(written.run ?? "");
    }),
  ];
}

/** What a user has made of a project: an environment, a rule, a script, and a line in a file of ours. */
function edit(directory: string): void {
  const manifest = join(directory, "package.json");
  const { scripts, ...rest } = JSON.parse(readFileSync(manifest, "utf8")) as { scripts: object };
  writeFileSync(manifest, JSON.stringify({ ...rest, scripts: { ...scripts, mine: "echo mine" } }, null, 2));
  write(join(directory, "environments", "mine.yaml"), "instances: { main: {} }\nplatforms: { prefect: {} }\n");
  for (const file of ["README.md", ".gitignore"]) appendFileSync(join(directory, file), "\nmine\n");
  for (const file of ["rules.ts", "environments/local.ts"]) appendFileSync(join(directory, file), "\n// mine\n");
}

async function upgrade(directory: string, login: string): Promise<readonly Proof[]> {
  const newer = packAs(NEWER);
  edit(directory);
  const kept = filesOf(directory);
  return [
    await timed(`(g) an upgrade from ${version} to ${NEWER} by init . --package, and nothing of the user's changes`, () => {
      npx(directory, name, "init", ".", `--package=${newer}`);
      assert.equal(npx(directory, name, "--version").trim(), NEWER);
      assert.deepEqual(filesOf(directory), kept);
      const { scripts } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as { scripts: Record<string, string> };
      assert.equal(scripts.mine, "echo mine");
      return `${Object.keys(kept).length} files`;
    }),
    await timed("(g) npm test, and npm ci, as in a clone", () => {
      must(directory, "npm", "ci");
      return checks(directory, /nothing to compare/);
    }),
    await timed("(g) npm start -- --once: the same password", () => {
      must(directory, "npm", "start", "--", "--once");
      assert.equal(loginOf(directory), login);
      return /PGUSER=(\w+)/.exec(login)?.[1] ?? "";
    }),
  ];
}

/** (b): somebody's VPC. */
async function onAws(): Promise<readonly Proof[]> {
  const directory = project.b;
  const subnets = Object.entries(SUBNETS).map(([zone, id]) => `${id}:${zone}`);
  return [
    await timed("(b) init --cloud aws, with an account, a VPC and its subnets", () => {
      init(directory, "--cloud=aws", "--aws-account=111122223333", `--aws-vpc=${VPC}`, `--aws-subnets=${subnets.join(",")}`);
      return `${Object.keys(filesOf(directory)).length} files`;
    }),
    await timed("(b) npx cdk synth --strict: templates name the VPC and the subnets", () => {
      npx(directory, "cdk", "synth", "--quiet", "--strict", "-c", "environment=production");
      const files = readdirSync(join(directory, "cdk.out")).filter((file) => file.endsWith(".template.json"));
      const texts = files.map((file) => readFileSync(join(directory, "cdk.out", file), "utf8")).join("\n");
      for (const id of [VPC, ...Object.values(SUBNETS)]) assert.ok(texts.includes(id), `no template names ${id}`);
      return files.map((file) => file.replace(".template.json", "")).join(", ");
    }),
    await timed("(b) npx platform-postgres plan", () => {
      const plan = npx(directory, name, "plan", "--environment", "production", "--cloud", "aws");
      assert.match(plan, new RegExp(`VPC ${VPC}`));
      assert.match(plan, /^│ total +│ +│ +\$\d/m);
      return lastLine(plan);
    }),
    await timed("(b) its files compile, and npm test", () => checks(directory, /3 stacks match the committed snapshots/)),
  ];
}

/** (c): somebody's project, on the double of Pulumi's engine. */
async function onGoogleCloud(): Promise<readonly Proof[]> {
  const directory = project.c;
  const stack = { project: directory, stack: "production", state: join(temporary, "state.json"), world: new World(inMemory()) };
  return [
    await timed("(c) init --cloud gcp, with a project, a network and a cluster", () => {
      const options = ["--gcp-project=ours-123", "--gcp-project-number=123456789012", "--gcp-network=ml", "--gcp-cluster=ml"];
      init(directory, "--cloud=gcp", ...options);
      return `${Object.keys(filesOf(directory)).length} files`;
    }),
    await timed("(c) npx platform-postgres plan", () => {
      const plan = npx(directory, name, "plan", "--environment", "production", "--cloud", "gcp");
      assert.match(plan, /network ml/);
      return /\d+ resources in \d+ parts/.exec(plan)?.[0] ?? assert.fail(plan);
    }),
    await timed("(c) its files compile, and npm test", () => checks(directory, /4 stacks match the committed snapshots/)),
    ...(await onDouble(stack, directory)),
  ];
}

async function onDouble(stack: Parameters<typeof run>[0], directory: string): Promise<readonly Proof[]> {
  return [
    await timed("(c) pulumi preview, by the project's Pulumi.yaml", async () => {
      const { code, shown, operations } = await run(stack, "preview");
      assert.equal(code, 0, shown);
      return `${operations.length} resources`;
    }),
    await timed("(c) pulumi up, twice: the second finds nothing to do", async () => {
      const first = await run(stack, "up");
      assert.equal(first.code, 0, first.shown);
      assert.match(
        JSON.stringify(stack.world.ofType("gcp:sql/databaseInstance:DatabaseInstance")),
        /projects\/ours-123\/global\/networks\/ml/,
      );
      const second = await run(stack, "up");
      assert.deepEqual(
        second.operations.filter(({ op }) => op !== "same"),
        [],
        second.shown,
      );
      write(join(directory, "outputs.json"), first.outputs);
      return `${second.operations.length} resources`;
    }),
    await timed("(c) npx platform-postgres render, from its outputs", () => {
      const options = ["--environment", "production", "--cloud", "gcp", "--outputs", "outputs.json"];
      const { code, output } = complete("npx", ["--no-install", name, "render", ...options], directory);
      assert.equal(code, 0, output);
      return readdirSync(join(directory, "out", "production-gcp", "mlflow")).join(", ");
    }),
  ];
}

/** (a), (b), (c) and (g): projects that the package makes. */
export const proveProjects = async (): Promise<readonly Proof[]> => [
  ...(await onThisMachine()),
  ...(await onAws()),
  ...(await onGoogleCloud()),
];
