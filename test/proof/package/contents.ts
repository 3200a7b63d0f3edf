import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Ajv from "ajv";
import { buildSync } from "esbuild";
import { PROGRAMS } from "../../../constructs/package/bundle";
import { cycloneDx, type Proof } from "../tools";
import { must, name, PACKED, ROOT, temporary } from "./user";

/** Files of a folder with all in it, relative to it. */
export const published = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));

/** Where the packed package is unpacked, as it is. */
export const unpacked = join(temporary, "package");

const BELONGS = [
  /^dist\/constructs\/(model|platforms|provisioning|kubernetes|aws|gcp|local|package)\/.+/,
  // What maintainers run stays here: of pages, of charts and of prices.
  /^dist\/infra\/(?!environments\/|docs\/|charts\/|rules\.|commands\/prices|cost\/(fetch-prices|\w+-price-list))/,
  /^dist\/(bundles\/(functions\/program\.js|job\/program\.js|LICENSES\.txt)|sbom\.json)$/,
  /^constructs\/(platforms\/[\w-]+\/chart\/.+|local\/package\.json$)/,
  /^(docs\/.+\.(md|json)|examples\/github\/\w+\.yaml|infra\/cost\/prices\.json|cdk\.json|package\.json|README\.md|LICENSE)$/,
];
const NOT = /(^|\/)(test|node_modules)\/|\.test\.|(?<!\.d)\.ts$|\.map$/;

function holdsWhatItShould(): Proof {
  const files = published(unpacked);
  const missing = [
    "dist/constructs/model/resolve.d.ts",
    "dist/constructs/model/parameter-catalogue.json",
    "dist/infra/bin.js",
    "dist/infra/aws/app.js",
    "dist/infra/gcp/index.js",
    "dist/infra/spec.d.ts",
    "dist/bundles/functions/program.js",
    "dist/bundles/job/program.js",
    "dist/bundles/LICENSES.txt",
    "dist/sbom.json",
    "constructs/platforms/skillflaw/chart/Chart.yaml",
    "examples/github/plan.yaml",
    "LICENSE",
  ].filter((file) => !files.includes(file));
  const strange = files.filter((file) => NOT.test(file) || !BELONGS.some((each) => each.test(file)));
  const problem = missing.length + strange.length === 0 ? null : `missing: ${missing.join(", ")}; strange: ${strange.join(", ")}`;
  return {
    what: "the package holds what is built, its charts and pages, no source, no test, and nothing that only maintainers run",
    problem,
    shown: `${files.length} files`,
  };
}

/** Types that lead from what a user imports to a setting, and the docstring of that with its default. */
const HOVERS: readonly (readonly [string, string])[] = [
  ["aws/target", "export declare const aws: Aws;"],
  ["aws/section", "/** Days after which passwords are rotated. @defaultValue `30` */"],
  ["gcp/target", "export declare const gcp: Gcp;"],
  [
    "gcp/section",
    '/** Disk type. With the edition, it decides the machine series: N4 and C4A have Hyperdisk, the others SSD. @defaultValue `"PD_SSD"` */',
  ],
  ["platforms/registry", 'mlflow: import("./mlflow/mlflow").Mlflow;'],
  ["platforms/mlflow/settings", "/** Server processes in each pod. @defaultValue `2` */"],
  ["model/instance", "/** Initial disk in GiB: at least 10 on Cloud SQL and 20 on RDS. It never shrinks. @defaultValue `100` */"],
];

function showsSettings(): Proof {
  const textOf = (file: string) => readFileSync(join(unpacked, "dist", "constructs", `${file}.d.ts`), "utf8");
  const missing = HOVERS.filter(([file, text]) => !textOf(file).includes(text)).map(([file]) => file);
  return {
    what: "declarations have the docstrings of sections and settings, with their defaults",
    problem: missing.length === 0 ? null : missing.join(", "),
    shown: `${HOVERS.length} declarations`,
  };
}

interface Component {
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly properties?: readonly { readonly value: string }[];
}

const readBill = () => JSON.parse(readFileSync(join(unpacked, "dist", "sbom.json"), "utf8")) as { readonly components: Component[] };
const nameOf = ({ group, name }: Component): string => (group === undefined ? name : `${group}/${name}`);

/** Packages that esbuild puts into the bundles, `NAME VERSION`: looked at apart from the list that the build makes. */
function bundled(): readonly string[] {
  const options = { bundle: true, platform: "node", target: "node22", minify: true, write: false, metafile: true } as const;
  const entryPoints = Object.values(PROGRAMS).map((source) => join(ROOT, "constructs", source));
  const { metafile } = buildSync({ ...options, entryPoints, outdir: temporary, absWorkingDir: ROOT });
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs));
  const folders = inputs.flatMap(([path, { bytesInOutput }]) =>
    bytesInOutput === 0 ? [] : (/^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []),
  );
  return [...new Set(folders)].map((folder) => {
    const its = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as Component;
    return `${its.name} ${its.version}`;
  });
}

function namesWhatItContains(): Proof {
  const licences = readFileSync(join(unpacked, "dist", "bundles", "LICENSES.txt"), "utf8").split("\n");
  const components = readBill().components.filter(({ properties }) => properties?.some(({ value }) => value === "dist/bundles"));
  const listed = components.map((each) => `${nameOf(each)} ${each.version}`);
  const parts = bundled();
  const wrong = [
    ...parts.filter((part) => !licences.some((line) => line.startsWith(`${part}: `))).map((part) => `LICENSES.txt lacks ${part}`),
    ...parts.filter((part) => !listed.includes(part)).map((part) => `sbom.json lacks ${part}`),
    ...listed.filter((part) => !parts.includes(part)).map((part) => `sbom.json has ${part}, which is in no bundle`),
  ];
  return {
    what: "LICENSES.txt and sbom.json name every package that is in a bundle, with its version",
    problem: parts.length > 20 && wrong.length === 0 ? null : wrong.join("\n"),
    shown: `${parts.length} packages`,
  };
}

function billIsValid(): Proof {
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const schemas = cycloneDx();
  for (const file of ["spdx", "jsf-0.82"].map((each) => `${each}.SNAPSHOT.schema.json`)) {
    const schema = JSON.parse(readFileSync(join(schemas, file), "utf8")) as object;
    ajv.addSchema({ ...schema, $id: `http://cyclonedx.org/schema/${file}` });
  }
  const bill = readBill();
  const isValid = ajv.validate(JSON.parse(readFileSync(join(schemas, "bom-1.6.SNAPSHOT.schema.json"), "utf8")) as object, bill);
  return {
    what: "sbom.json is valid by the schema of CycloneDX 1.6",
    problem: isValid ? null : ajv.errorsText(),
    shown: `${bill.components.length} components`,
  };
}

/** Packs the package, and looks at what is in it. */
export function proveContents(): readonly Proof[] {
  // Not as a script of `npm pack`: where scripts are ignored, it would pack what an earlier build has left, or nothing.
  must(ROOT, "npm", "run", "build");
  must(ROOT, "npm", "pack", "--pack-destination", temporary);
  if (!existsSync(PACKED)) throw new Error(`npm pack has not written ${PACKED}`);
  must(temporary, "tar", "-xzf", PACKED);
  return [holdsWhatItShould(), showsSettings(), namesWhatItContains(), billIsValid()];
}

/** The package with a higher version, otherwise as it is. @returns its file. */
export function packAs(version: string): string {
  const directory = join(temporary, version);
  const manifest = join(directory, "package", "package.json");
  const file = join(temporary, `${name}-${version}.tgz`);
  mkdirSync(directory);
  must(directory, "tar", "-xzf", PACKED);
  writeFileSync(manifest, JSON.stringify({ ...JSON.parse(readFileSync(manifest, "utf8")), version }));
  must(directory, "tar", "-czf", file, "package");
  return file;
}
