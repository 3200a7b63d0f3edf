import { ownEntry } from "../json";
import { atParameter, setParameter } from "../parameter-values";
import { checkEach } from "../rule";
import { created, type InstanceRule } from "../target";
import { manualPage } from "./parameter-row";

/** Encodings by PostgreSQL's names and aliases, without the characters that it ignores. https://www.postgresql.org/docs/17/multibyte.html */
const ENCODINGS: ReadonlySet<string> = new Set(
  `abc alt big5 euccn eucjis2004 eucjp euckr euctw gb18030 gbk iso88591 iso885910 iso885913 iso885914 iso885915 iso885916 iso88592 iso88593
  iso88594 iso88595 iso88596 iso88597 iso88598 iso88599 johab koi8 koi8r koi8u latin1 latin10 latin2 latin3 latin4 latin5 latin6 latin7
  latin8 latin9 mskanji muleinternal shiftjis shiftjis2004 sjis sqlascii tcvn tcvn5712 uhc unicode utf8 vscii win win1250 win1251 win1252
  win1253 win1254 win1255 win1256 win1257 win1258 win866 win874 win932 win936 win949 win950 windows1250 windows1251 windows1252 windows1253
  windows1254 windows1255 windows1256 windows1257 windows1258 windows866 windows874 windows932 windows936 windows949 windows950`.split(
    /\s+/,
  ),
);
const UTF8 = ["utf8", "unicode"];

const normalEncoding = (value: string): string => value.replaceAll(/[^A-Za-z0-9]/g, "").toLowerCase();

/** Whether strings stay unchanged; also true for an encoding that PostgreSQL rejects. */
export const isUtf8 = (value: string): boolean => !ENCODINGS.has(normalEncoding(value)) || UTF8.includes(normalEncoding(value));

/** Text search configurations that every server has, without their schema. */
const SEARCH_CONFIGURATIONS: ReadonlySet<string> = new Set(
  `simple arabic armenian basque catalan danish dutch english finnish french german greek hindi hungarian indonesian irish italian
  lithuanian nepali norwegian portuguese romanian russian serbian spanish swedish tamil turkish yiddish`.split(/\s+/),
);
export const isSearchConfiguration = (value: string): boolean => SEARCH_CONFIGURATIONS.has(value.trim().replace(/^pg_catalog\./, ""));

/** PostgreSQL's `SplitIdentifierString`: names between commas, or null if it is not such a list. */
export function listOf(text: string): readonly string[] | null {
  if (text.trim() === "") return [];
  const names: string[] = [];
  const name = /\s*(?:"((?:[^"]|"")*)"|([^\s",][^\s,]*))\s*(,|$)/y;
  for (let separator: string | undefined = ","; separator === ","; ) {
    const [, quoted, plain = "", next] = name.exec(text) ?? [];
    if (next === undefined) return null;
    names.push(quoted === undefined ? plain.toLowerCase() : quoted.replaceAll('""', '"'));
    separator = next;
  }
  return names;
}

/** Returns the schema in which tables are created, if the text names it. A malformed list is rejected elsewhere. */
export function firstSchema(path: string): string | undefined {
  const names = listOf(path);
  return names === null ? "public" : names.find((name) => name !== "$user");
}

// An abbreviation with an offset, such as EST5EDT, which PostgreSQL accepts with any letters.
const POSIX_ZONE = /^(?:<[A-Za-z0-9+-]{3,}>|[A-Za-z]{3,})[+-]?\d{1,2}(?::\d\d){0,2}(?:[A-Za-z<].*)?$/;
const OFFSET = /^[+-]?\d{1,3}(?:\.\d+|:\d\d)?$/;

function isTimeZone(value: string): boolean {
  if (OFFSET.test(value) || POSIX_ZONE.test(value)) return true;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: value }) !== null;
  } catch {
    return false;
  }
}

/** Returns the rule that a text violates, or null. */
export type TextCheck = (value: string) => string | null;

/** Words between commas, in any case. */
export const words =
  (allowed: readonly string[]): TextCheck =>
  (value) =>
    value.trim() === "" || value.split(",").every((each) => allowed.includes(each.trim().toLowerCase()))
      ? null
      : `must be a list of ${allowed.join(", ")}`;
const list: TextCheck = (value) =>
  listOf(value) === null ? "must be a list of names, separated by commas; names with spaces need quotes" : null;
const timeZone: TextCheck = (value) => (isTimeZone(value) ? null : "must be a time zone such as UTC or Europe/Berlin");
const locale: TextCheck = (value) =>
  /^(C|POSIX|[A-Za-z]{1,3}(_[A-Z]{2})?(\.[A-Za-z0-9-]+)?(@[A-Za-z0-9]+)?)$/.test(value)
    ? null
    : "must be a locale such as C or en_US.UTF-8";

/** https://github.com/pgaudit/pgaudit#pgauditlog */
const AUDITED = ["all", "ddl", "function", "misc", "misc_set", "none", "read", "role", "write"];
const RESOURCE_MANAGERS = ["all", "brin", "btree", "generic", "gin", "gist", "hash", "heap", "heap2", "sequence", "spgist"];

const DATE_STYLES = /^(iso|sql|postgres.*|german)$/i;
const DATE_ORDERS = /^(mdy|dmy|ymd|us|euro.*|noneuro.*|default)$/i;

const dateStyle: TextCheck = (value) => {
  const names = listOf(value) ?? ["?"];
  const styles = names.filter((each) => DATE_STYLES.test(each));
  const orders = names.filter((each) => DATE_ORDERS.test(each));
  return styles.length + orders.length === names.length && styles.length < 2
    ? null
    : "must be one of ISO, SQL, Postgres, German, and one of MDY, DMY, YMD";
};

/** PostgreSQL's own checks of texts. Each was tested on a separate server. */
const CHECKS: Readonly<Record<string, TextCheck>> = {
  client_encoding: (value) => (ENCODINGS.has(normalEncoding(value)) ? null : "must be an encoding such as UTF8"),
  createrole_self_grant: words(["set", "inherit"]),
  datestyle: dateStyle,
  debug_io_direct: words(["data", "wal", "wal_init"]),
  lc_messages: locale,
  lc_monetary: locale,
  lc_numeric: locale,
  lc_time: locale,
  local_preload_libraries: list,
  "pgaudit.log": words(AUDITED.flatMap((each) => [each, `-${each}`])),
  log_timezone: timeZone,
  restrict_nonsystem_relation_kind: words(["view", "foreign-table"]),
  search_path: list,
  session_preload_libraries: list,
  shared_preload_libraries: list,
  primary_slot_name: (value) => (/^[a-z0-9_]{0,63}$/.test(value) ? null : "must be a slot's name, of lower-case letters, digits and _"),
  synchronized_standby_slots: list,
  temp_tablespaces: list,
  timezone: timeZone,
  timezone_abbreviations: (value) => (["Default", "Australia", "India"].includes(value) ? null : "must be Default, Australia or India"),
  wal_consistency_checking: words(RESOURCE_MANAGERS),
};

/** Returns the rule that a text violates; null if PostgreSQL accepts it or its form is unknown. */
export const checkText = (name: string, value: string): string | null => ownEntry(CHECKS, name)?.(value) ?? null;

/** Rules about texts whose form PostgreSQL checks. */
export const textRules: readonly InstanceRule[] = [
  created({
    id: "parameter-text-is-valid",
    source: manualPage("client", "timezone"),
    why: "The server does not start, or a module silently keeps its default and only the server's log reports it.",
    date: "2026-11-30",
    severity: "error",
    check: (instance, path) =>
      checkEach(instance.parameters, (_value, name) => {
        const found = Object.hasOwn(CHECKS, name) ? setParameter(instance, name) : null;
        const rule = found === null ? null : checkText(name, found.plain);
        return rule === null ? [] : [atParameter(instance, path, name, rule)];
      }),
    passing: { parameters: { timezone: "Europe/Berlin", datestyle: "ISO, DMY", search_path: '"$user", public' } },
    failing: { parameters: { timezone: "Mars/Phobos" } },
  }),
];
