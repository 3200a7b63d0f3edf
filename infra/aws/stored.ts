import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { type AwsEnvironment, PARTS, stackName } from "../../constructs/aws/stacks/aws-environment";
import { UserError } from "../../constructs/model/errors";
import { idOf } from "../../constructs/model/fields";
import { isObject, mapValues } from "../../constructs/model/json";
import { fromUser } from "../command-line";
import { readTemplates, type Template } from "./templates";

/** An earlier synthesis. */
export interface Stored {
  /** Templates by stack, including nested stacks. */
  readonly templates: Readonly<Record<string, Template>>;
  /** Place of each stack, such as `aws://111122223333/eu-central-1`; empty without a manifest. */
  readonly places: Readonly<Record<string, string>>;
}

const ENDING = ".template.json";

/** Reads the environment's stacks from one file, or from a folder such as `cdk.out`. @throws UserError */
export function readStored(path: string, environment: string): Stored {
  const found = statSync(fromUser(path), { throwIfNoEntry: false });
  if (found === undefined)
    throw new UserError(`there is no file or folder ${path}; give a folder from cdk synth, or an environment's file`);
  const files = found.isDirectory() ? readdirSync(fromUser(path)).map((file) => join(path, file)) : [path];
  const its = PARTS.map((part) => `${stackName(environment, part)}${ENDING}`);
  const written = files.filter((file) => its.includes(basename(file)));
  const listed = found.isDirectory() ? placesIn(join(path, "manifest.json")) : {};
  // The CDK keeps templates of earlier runs in its folder.
  const isListed = (file: string): boolean => Object.hasOwn(listed, stackOf(file));
  const own = written.some(isListed) ? written.filter(isListed) : written;
  if (own.length === 0)
    throw new UserError(
      `${path} contains no template of ${environment}; give a folder from cdk synth, one of ${its.join(", ")}, or an environment's file`,
    );
  const stacks = own.map(stackOf);
  return {
    templates: Object.assign({}, ...own.map(readStack)),
    places: Object.fromEntries(Object.entries(listed).filter(([stack]) => stacks.includes(stack))),
  };
}

const stackOf = (file: string): string => basename(file).replace(ENDING, "");

/** Returns the stacks of the last `cdk synth` in a folder, with their places; empty if its manifest cannot be read. */
function placesIn(manifest: string): Readonly<Record<string, string>> {
  try {
    const { artifacts } = JSON.parse(readFileSync(fromUser(manifest), "utf8")) as {
      readonly artifacts: Readonly<Record<string, { readonly environment?: string }>>;
    };
    return mapValues(artifacts, (artifact) => artifact.environment ?? "");
  } catch {
    return {};
  }
}

/** Reads the stack of a file and its nested stacks. @throws UserError */
function readStack(file: string): Readonly<Record<string, Template>> {
  try {
    const templates = readTemplates(dirname(fromUser(file)), stackOf(file), basename(file));
    return mapValues(templates, ({ template }) => checked(template));
  } catch (error) {
    const isMissing = (error as { readonly code?: string }).code !== undefined;
    throw new UserError(
      isMissing
        ? `the templates of nested stacks of ${file} are missing in its folder; give a folder from cdk synth`
        : `${file} is not a template in JSON; give one from cdk synth`,
    );
  }
}

/** @throws SyntaxError if something in it is not a resource. */
function checked(template: Template): Template {
  const isResource = (each: unknown) =>
    isObject(each) && typeof each.Type === "string" && (each.Properties === undefined || isObject(each.Properties));
  if (!Object.values(template.Resources).every(isResource)) throw new SyntaxError("not a template");
  return template;
}

/** Place of an environment's stacks, as a manifest writes it. */
export const placeOf = ({ section }: AwsEnvironment): string =>
  `aws://${section.account === null ? "unknown-account" : idOf(section.account)}/${section.region}`;

/** A setting of the section that differs from the stored stacks' place, with both values. */
export interface Move {
  readonly setting: "region" | "account";
  readonly from: string;
  readonly to: string;
}

/** Returns the stored stacks' place if it has another region or account. Unknown values do not differ. */
export function findMove(places: Stored["places"], environment: AwsEnvironment): Move | null {
  const [account, region] = partsOf(placeOf(environment));
  for (const place of Object.values(places)) {
    const [before, its] = partsOf(place);
    if (its !== null && region !== null && its !== region) return { setting: "region", from: its, to: region };
    if (before !== null && account !== null && before !== account) return { setting: "account", from: before, to: account };
  }
  return null;
}

/** Returns the region of stored stacks, which is the same for all; null if it is not known. */
export const regionOf = (places: Stored["places"]): string | null =>
  Object.values(places).flatMap((place) => partsOf(place)[1] ?? [])[0] ?? null;

/** Account and region of a place; null where the CDK did not know them. */
function partsOf(place: string): readonly [account: string | null, region: string | null] {
  const [, account = "", region = ""] = /^aws:\/\/([^/]+)\/(.+)$/.exec(place) ?? [];
  return [/^\d{12}$/.test(account) ? account : null, /^[a-z]+(-[a-z]+)+-\d$/.test(region) ? region : null];
}
