import type { Violation } from "../model/errors";
import { ownEntry } from "../model/json";
import { atParameter, setParameter } from "../model/parameter-values";
import type { ParameterValue } from "../model/parameters";
import { checkEach } from "../model/rule";
import { preloadable } from "../model/rules/parameter-modules";
import { manualPage } from "../model/rules/parameter-row";
import { type TextCheck, words } from "../model/rules/parameter-texts";
import { created, type InstanceRule } from "../model/target";

/** Modules of this machine's PostgreSQL that can be loaded at startup, in every major version. */
const MODULES: readonly string[] = [
  "auth_delay",
  "auto_explain",
  "basebackup_to_shell",
  "basic_archive",
  "passwordcheck",
  "pg_prewarm",
  "pg_stat_statements",
  "pg_trgm",
  "plperl",
  "plpgsql",
  "postgres_fdw",
  "test_decoding",
];

/** Values that need a library that this machine's PostgreSQL lacks: the clouds have it, and a server here uses the default. */
const NOT_BUILT_IN: Readonly<Record<string, readonly string[]>> = {
  bonjour: ["on"],
  default_toast_compression: ["lz4"],
  io_method: ["io_uring"],
  wal_compression: ["lz4", "zstd"],
};

/** Whether a server on this machine can have a parameter's value. */
export const isBuiltIn = (name: string, value: ParameterValue): boolean =>
  ownEntry(NOT_BUILT_IN, name)?.includes(String(value).toLowerCase()) !== true;

/** Booleans, and the stages of a connection that PostgreSQL 18 logs. */
const CONNECTION_LOGS = words([
  ...["on", "off", "true", "false", "yes", "no", "1", "0"],
  ...["all", "receipt", "authentication", "authorization", "setup_durations"],
]);

const isForRecovery: TextCheck = (plain) => (plain === "" ? null : "is for recovery, which never runs here");

/** Values with which a local server does not start, or runs badly, by parameter. */
const UNFIT: Readonly<Record<string, TextCheck>> = {
  log_connections: (plain) =>
    CONNECTION_LOGS(plain) === null ? null : "must be on, off, or a list of receipt, authentication, authorization, setup_durations",
  log_destination: words(["stderr", "csvlog", "jsonlog", "syslog"]),
  recovery_target: isForRecovery,
  recovery_target_lsn: isForRecovery,
  recovery_target_name: isForRecovery,
  recovery_target_time: isForRecovery,
  recovery_target_xid: isForRecovery,
  // OpenSSL's names of sets and ciphers. Without any of them, the server's TLS does not start.
  ssl_ciphers: (plain) =>
    /HIGH|MEDIUM|LOW|ALL|DEFAULT|ECDH|DHE|AES|CHACHA|@SECLEVEL|RSA/.test(plain) ? null : "must name OpenSSL ciphers",
  ssl_ecdh_curve: (plain) =>
    /^(prime256v1|secp\d+[rk]1|X25519|X448|P-\d+)(:|$)/.test(plain) ? null : "must be an OpenSSL curve such as prime256v1",
  shared_memory_type: (plain) => (plain === "windows" ? "must be mmap or sysv on this machine" : null),
};

const isPlainLocale = (plain: string): boolean => ["C", "POSIX"].includes(plain);
/** Parameters that depend on this machine's operating system, with a test for values that do not. */
const DEPENDENT: Readonly<Record<string, (plain: string) => boolean>> = {
  huge_pages: (plain) => plain !== "on",
  lc_messages: isPlainLocale,
  lc_monetary: isPlainLocale,
  lc_numeric: isPlainLocale,
  lc_time: isPlainLocale,
};

/** Values that a local server rejects only after its data directory has been created. */
export const localParameterRules: readonly InstanceRule[] = [
  created({
    id: "local-preloaded-modules-are-there",
    source: manualPage("client", "shared_preload_libraries"),
    why: "If a module's file is missing, the server does not start, or rejects every login.",
    date: "2026-11-30",
    severity: "error",
    check: (instance, path) =>
      preloadable(instance, path, MODULES, "PostgreSQL on this machine does not have").map((found) => ({
        ...found,
        remedy: `${found.remedy}; to set it for one cloud only, write it into that cloud's section`,
      })),
    passing: { parameters: { shared_preload_libraries: "pg_stat_statements" } },
    failing: { parameters: { shared_preload_libraries: "pg_stat_statements,pg_cron" } },
  }),
  created({
    id: "local-parameters-fit-this-machine",
    source: "https://www.postgresql.org/docs/17/runtime-config.html",
    why: "The server does not start with such a value, and reports it only after its data directory has been created.",
    date: "2026-11-30",
    severity: "error",
    check: (instance, path) =>
      checkEach(UNFIT, (check, name): readonly Violation[] => {
        const found = setParameter(instance, name);
        const rule = found === null ? null : check(found.plain);
        return rule === null ? [] : [atParameter(instance, path, name, rule, "remove it")];
      }),
    passing: { parameters: { log_destination: "stderr,csvlog" } },
    failing: { parameters: { log_destination: "file" } },
  }),
  created({
    id: "local-parameters-are-built-in",
    source: manualPage("wal", "wal_compression"),
    why: "PostgreSQL on this machine was built without the library, so the server uses the default.",
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) =>
      checkEach(instance.parameters, (value, name): readonly Violation[] =>
        isBuiltIn(name, setParameter(instance, name)?.plain ?? value)
          ? []
          : [atParameter(instance, path, name, "is not built into PostgreSQL on this machine, which runs without it")],
      ),
    passing: { parameters: { wal_compression: "on" } },
    failing: { parameters: { wal_compression: "lz4" } },
  }),
  created({
    id: "local-parameters-depend-on-this-machine",
    source: manualPage("resource", "huge_pages"),
    why: "The server does not start if the operating system has no such locale, or no huge pages.",
    date: "2026-11-30",
    severity: "warning",
    check: (instance, path) =>
      checkEach(DEPENDENT, (isHarmless, name): readonly Violation[] => {
        const found = setParameter(instance, name);
        const rule = "works only if this machine's operating system provides it";
        return found === null || isHarmless(found.plain) ? [] : [atParameter(instance, path, name, rule)];
      }),
    passing: { parameters: { huge_pages: "try", lc_messages: "C" } },
    failing: { parameters: { huge_pages: "on" } },
  }),
];
