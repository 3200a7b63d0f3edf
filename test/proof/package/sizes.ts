import { join } from "node:path";
import { toTable } from "../../../infra/table";
import { begin } from "../progress";
import { devDependencies, init, must, temporary, write } from "./user";

/** What an installation takes. */
interface Size {
  readonly what: string;
  /** Of `node_modules`. */
  readonly megabytes: number;
  /** Of `npm install`. */
  readonly seconds: number;
  /** From the command to its end; null where that is npm's. */
  readonly whole: number | null;
}

const megabytesOf = (directory: string): number => Number.parseInt(must(temporary, "du", "-sm", join(directory, "node_modules")), 10);

function secondsOf(act: () => unknown): number {
  const start = performance.now();
  act();
  return (performance.now() - start) / 1000;
}

function generated(cloud: string): Size {
  const directory = join(temporary, `size-of-${cloud.replace(",", "-and-")}`);
  let output = "";
  const whole = secondsOf(() => {
    output = init(directory, `--cloud=${cloud}`);
  });
  const seconds = Number(/packages installed ([\d.]+) s/.exec(output)?.[1]);
  return { what: `init --cloud ${cloud}`, megabytes: megabytesOf(directory), seconds, whole };
}

/** In the versions of the project beside it, which npm's cache has, too. */
function alone(...packages: readonly string[]): Size {
  const directory = join(temporary, `size-of-${packages.join("-").replaceAll("/", "-")}`);
  write(join(directory, "package.json"), { private: true });
  const seconds = secondsOf(() => must(directory, "npm", "install", ...packages.map((each) => `${each}@${devDependencies[each]}`)));
  return { what: `npm i ${packages.join(" ")}`, megabytes: megabytesOf(directory), seconds, whole: null };
}

/** Megabytes and seconds of a project for each target, beside what its cloud takes alone: all from npm's cache, which earlier proofs have filled. */
export function measure(): string {
  const finish = begin("measuring installations");
  const sizes = [
    generated("none"),
    generated("aws"),
    alone("aws-cdk-lib", "aws-cdk"),
    generated("gcp"),
    alone("@pulumi/pulumi", "@pulumi/gcp"),
    generated("aws,gcp"),
  ];
  finish();
  const rows = sizes.map(({ what, megabytes, seconds, whole }) => [
    what,
    String(megabytes),
    seconds.toFixed(1),
    whole === null ? "" : whole.toFixed(1),
  ]);
  return toTable(["installation", "MB", "s of npm install", "s in all"], rows, { aligns: ["left", "right", "right", "right"] });
}
