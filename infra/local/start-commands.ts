import { isAbsolute, join } from "node:path";
import type { ProcessStart, Wiring } from "../../constructs/model/platform";
import { quote, root, typed } from "../command-line";
import { localDirectories } from "./directories";

/** Directories as commands contain them. */
interface Directories {
  /** The environment's files: absolute, or relative to the directory where commands are typed. */
  readonly output: string;
  /** Contains a Python environment for each platform. */
  readonly python: string;
}

/** The directories for an environment's commands on this machine. */
export const startDirectories = (environment: string): Directories => ({
  output: typed(localDirectories(environment).output),
  python: typed(join(root(), ".venv")),
});

/** The commands that start a platform on this machine, ready to paste; empty if it needs more than a database. */
export function toStartCommands(name: string, { start }: Pick<Wiring, "start">, directories: Directories): readonly string[] {
  if (start === null) return [];
  return start.kind === "python" ? inPython(name, start, directories) : inContainer(name, start, directories);
}

function inPython(
  name: string,
  { packages, command: [program, ...rest] }: ProcessStart & { kind: "python" },
  { output, python }: Directories,
): readonly string[] {
  const directory = quote(`${python}/${name}`);
  return [
    `python3 -m venv ${directory}`,
    `${directory}/bin/pip install ${packages.join(" ")}`,
    `env $(cat ${quote(`${output}/${name}/platform.env`)}) ${[`${directory}/bin/${program}`, ...rest].join(" ")}`,
  ];
}

/** `platform.env` names the CA by its absolute path, so the container finds it at the same one. */
function inContainer(name: string, { image }: ProcessStart & { kind: "image" }, { output }: Directories): readonly string[] {
  const directory = isAbsolute(output) ? output : `$(pwd -P)/${output}`;
  return [
    `docker run --rm --network host --env-file ${quote(`${output}/${name}/platform.env`)} \\`,
    `    --volume "${directory}:${directory}:ro" ${image}`,
  ];
}
