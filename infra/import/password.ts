import { UserError } from "../../constructs/model/errors";
import { Stopped } from "../command";

/** The process variable with the password of a source; nobody else sees it. */
const VARIABLE = "IMPORT_PASSWORD";

/** The password of the server that is imported from: of the shell, or of the person. */
export async function askPassword(): Promise<string> {
  const given = process.env[VARIABLE];
  if (given !== undefined) return given;
  if (process.stdin.isTTY !== true)
    throw new UserError(`the password of the source is missing, and nobody can be asked here; put it into ${VARIABLE}`);
  const { isCancel, password } = await import("@clack/prompts");
  const answer = await password({ message: "Password of the source", output: process.stderr });
  if (isCancel(answer)) throw new Stopped("stopped; nothing was imported");
  return answer ?? "";
}
