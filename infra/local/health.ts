import { UserError } from "../../constructs/model/errors";
import { wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";
import type { Check } from "../../constructs/provisioning/check";
import type { ProjectEnvironment } from "../load";
import { locate } from "./tenant";

/** Milliseconds to wait for a platform's answer. */
const PATIENCE = 10_000;

/** A running platform and its URL: `prefect=http://localhost:4200`. */
export interface RunningPlatform {
  readonly platform: string;
  readonly url: URL;
}

/** @throws UserError if it is not `platform=URL` of a platform of the environment; without the URL, which may contain a password. */
export function readRunningPlatform(written: string, environment: ProjectEnvironment): RunningPlatform {
  const [, platform = "", url = ""] = /^([a-z0-9-]+)=(.*)$/.exec(written) ?? [];
  if (!/^https?:/.test(url) || !URL.canParse(url)) throw new UserError("--url must be platform=URL, such as prefect=http://localhost:4200");
  const parsed = new URL(url);
  if (parsed.username !== "" || parsed.password !== "")
    throw new UserError(`--url must not contain a user name or password; write ${platform}=${parsed.origin}`);
  locate(environment, platform);
  return { platform, url: parsed };
}

/** Sends a running platform the request of its probes, and then that of its clients, which it may reject. */
export async function checkHealth({ platform, url }: RunningPlatform, environment: ProjectEnvironment): Promise<readonly Check[]> {
  const wired = wirePlatforms(environment, platforms, () => ({ host: "localhost", port: 5432, sidecar: null }))[platform];
  if (wired === undefined) throw new TypeError(`${platform} was not wired`);
  if (wired.wiring.health === null)
    throw new UserError(`no health check is known for ${platform}; check it as its documentation describes`);
  const { path, asksDatabase, client } = wired.wiring.health;
  // Without the query, which may contain a token.
  const address = `${url.origin}${url.pathname.replace(/\/$/, "")}`;
  const problem = await ask(address, path, ({ ok, status }) => (ok ? null : `${address} answered ${status}; see the platform's own log`));
  const health = { subject: platform, promise: `answers GET ${path}${asksDatabase ? ", which queries the database" : ""}`, problem };
  if (problem !== null || client === null) return [health];
  const refused = await ask(address, client.path, async (response) =>
    // Any other status has another cause, such as a required login.
    response.status === 403 && (await response.text()).startsWith(client.refusal)
      ? `${address} rejects requests for this host; add "${url.hostname}" to platforms.${platform}.${client.setting} and deploy`
      : null,
  );
  return [health, { subject: platform, promise: `answers clients that use the host ${url.host}`, problem: refused }];
}

/** Returns the problem with the answer to a GET, or the reason why there is no answer; null if there is no problem. */
async function ask(
  address: string,
  path: string,
  check: (response: Response) => string | null | Promise<string | null>,
): Promise<string | null> {
  try {
    return await check(await fetch(`${address}${path}`, { signal: AbortSignal.timeout(PATIENCE) }));
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { readonly code?: string } };
    return `${address} does not answer (${cause?.code ?? message}); is it running there?`;
  }
}
