import type { InstanceSettings } from "../model/instance";
import { findParameter, toPlainValue } from "../model/parameters";
import type { Scope, ServerAccess } from "./access";
import type { Check } from "./check";
import { close, dialled, open, type Server } from "./connect";
import { type Credential, generatePassword } from "./credential";
import { explain } from "./errors";
import type { Look } from "./look";

/** Days before its expiry at which a certificate is reported. */
const CERTIFICATE_NOTICE_DAYS = 30;
const DAY = 86_400_000;
export async function diagnoseServer(
  name: string,
  { instance }: Scope,
  { server, restart }: ServerAccess,
  credential: Credential,
  strangerCa: string,
  look: Look,
): Promise<readonly Check[]> {
  const subject = `instance ${name}`;
  const missing = instance.maxConnections - look.maxConnections;
  const command = restart == null ? "restart the server" : `restart the server with ${restart}`;
  const connections: Check = {
    subject,
    promise: `allows ${instance.maxConnections} connections`,
    problem:
      missing <= 0
        ? null
        : `max_connections is ${look.maxConnections}, but the budget needs ${instance.maxConnections}; make sure that it is set, and ${command}`,
  };
  const waiting = waitingParameters(instance.settings, look.staticParameters);
  const parameters: Check = {
    subject,
    promise: "parameters that need a restart are in effect",
    problem: waiting.length === 0 ? null : `${waiting.join(", ")}; ${command}`,
  };
  const { version } = look.observed.server;
  const major = Math.floor(version / 10_000);
  const expected = instance.settings.majorVersion;
  const isExpected: Check = {
    subject,
    promise: `is PostgreSQL ${expected}`,
    problem: major === expected ? null : `it is PostgreSQL ${major}; set majorVersion to ${major}, or upgrade the server`,
  };
  if (server.tls.mode === "proxy") return [isExpected, connections, parameters];
  return [
    isExpected,
    connections,
    parameters,
    await refusesStranger(subject, server, credential, strangerCa),
    ...(look.certificateEnd === null ? [] : [certificateLasts(subject, look.certificateEnd)]),
  ];
}

/**
 * Returns the spec's parameters that wait for a restart of the server. RDS formulas and the hosts' own parameters (`rds.`, `cloudsql.`)
 * are not compared. A host may have added entries to a list.
 *
 * @param inEffect values of static parameters by name, as `pg_settings` shows them.
 */
export function waitingParameters(
  { parameters, majorVersion }: InstanceSettings,
  inEffect: ReadonlyMap<string, string>,
): readonly string[] {
  return Object.entries(parameters).flatMap(([name, value]) => {
    const parameter = findParameter(name, majorVersion);
    const expected = parameter === null ? null : toPlainValue(parameter, value);
    const found = inEffect.get(name.toLowerCase());
    // max_connections is compared with the budget, in another check.
    if (expected === null || found === undefined || name === "max_connections" || contains(found, expected)) return [];
    return [`${name} is ${found}, but the spec sets ${expected}`];
  });
}

const contains = (found: string, expected: string): boolean => {
  const [had, wanted] = [found, expected].map((text) => text.split(",").map((word) => word.trim()));
  return wanted?.every((word) => had?.includes(word)) ?? false;
};

async function refusesStranger(subject: string, server: Server, credential: Credential, strangerCa: string): Promise<Check> {
  const promise = "its certificate is checked against the CA";
  if (server.tls.mode === "proxy") return { subject, promise, problem: null };
  try {
    const nobody = { ...credential, password: generatePassword() };
    await close(await open({ ...server, tls: { ...server.tls, ca: strangerCa } }, nobody, "postgres"));
    return { subject, promise, problem: "a CA that did not sign it was accepted; report this as a defect" };
  } catch (error) {
    const { code = "" } = error as { code?: string };
    const untrusted = /SELF_SIGNED|UNABLE_TO|CERT_SIGNATURE/.test(code) || code === "CERT_HAS_EXPIRED";
    return {
      subject,
      promise,
      problem: untrusted ? null : `could not be checked: ${explain(error, attemptOf(server, credential, "postgres")).message}`,
    };
  }
}

export const attemptOf = (server: Server, { username }: Credential, database: string) => ({
  ...dialled(server),
  username,
  database,
  unreachable: server.unreachable,
});

function certificateLasts(subject: string, end: Date): Check {
  const days = Math.floor((end.getTime() - Date.now()) / DAY);
  return {
    subject,
    promise: `its certificate is valid for at least ${CERTIFICATE_NOTICE_DAYS} days`,
    problem: days >= CERTIFICATE_NOTICE_DAYS ? null : `it expires in ${days} days (${end.toISOString().slice(0, 10)}); renew it`,
  };
}
