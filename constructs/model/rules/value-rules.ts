import type { ChartKeys } from "../chart-facts";
import { type Violation, violation } from "../errors";
import { guardsOf, keysOf } from "../guarded-values";
import { kubernetesNames } from "../names";
import type { Platform, PlatformRule } from "../platform";
import { namesSource, sourceOf, type TextAt, textsIn } from "../value-texts";
import { atValue, collision, isNamed, type Path } from "../values";

/** Returns the first violation at each path. */
const once = (found: readonly Violation[]): readonly Violation[] =>
  [...new Map([...found].reverse().map((each) => [each.path, each])).values()].reverse();

/** Rules about the values of a platform that a chart installs. */
export const valueRules = (kind: string, platform: Platform): readonly PlatformRule[] => [
  variablesOfObjectsRule(kind, platform),
  secretRule(kind, platform),
  passwordRule(kind, platform),
  bucketRule(kind),
];

/** Words that YAML 1.1 does not read as strings: charts write names without quotes, and Helm and kubectl read YAML 1.1. */
const NOT_A_TEXT = /^(y|n|yes|no|on|off|true|false|null)$/;

/** A rule about names in a platform's files. */
export function nameRule(kind: string): PlatformRule {
  return {
    id: `${kind}-names-in-yaml`,
    why: "If a chart writes the name without quotes, Kubernetes reads true, false or null, and rejects it.",
    source: "https://yaml.org/type/bool.html",
    date: "2026-11-30",
    severity: "error",
    check: ({ release, namespace, serviceAccount, databases }, path) =>
      [
        ["release", release] as const,
        ["namespace", namespace] as const,
        ["serviceAccount", serviceAccount] as const,
        ...Object.entries(databases).map(([key, { name }]) => [`databases.${key}`, name] as const),
      ].flatMap(([key, name]) =>
        name !== null && NOT_A_TEXT.test(name)
          ? [violation(`${path}.${key}`, "must not be a word that YAML reads as true, false or null", name, "use a longer name")]
          : [],
      ),
    passing: { release: "online" },
    failing: { release: "on" },
  };
}

/** The object's content is unknown here, and one of its variables may change the connection. */
function variablesOfObjectsRule(kind: string, platform: Platform): PlatformRule {
  return {
    id: `${kind}-variables-of-objects`,
    why: "The object may contain a variable that points the platform at another database, and the spec does not show it.",
    source:
      "https://kubernetes.io/docs/tasks/inject-data-application/distribute-credentials-secure/#configure-all-key-value-pairs-in-a-secret-as-container-environment-variables",
    date: "2026-11-30",
    severity: "acknowledge",
    check: (settings, path) => {
      const guarded = guardsOf(platform, settings).map(([own]) => own);
      const found = textsIn(settings.values).flatMap((each) => {
        const source = namesSource(each.text) ? each.path : sourceOf(each);
        return source === null || collision(source, guarded) !== null ? [] : [source];
      });
      const names = Object.keys(platform.guardedVariables).map((name) => (name.endsWith("=") ? name.slice(0, -1) : `${name}*`));
      return once(
        found.map((own) =>
          atValue(
            path,
            own,
            "imports all variables of an object, and one of them can change the connection",
            `list each variable, or make sure that the object contains none of ${names.join(", ")}`,
          ),
        ),
      );
    },
    passing: { values: { env: [{ name: "LEVEL", value: "1" }] } },
    failing: { values: { extraEnvFrom: [{ secretRef: { name: "other" } }] } },
  };
}

/** Keys below which a Secret is named. */
const NAMES_SECRET = /(name|secret|ref|reload)$/i;

/** Other programs with the Secret could log in, uncounted by the budget, or show the password. */
function secretRule(kind: string, platform: Platform): PlatformRule {
  return {
    id: `${kind}-secret-in-values`,
    why: "Another program that uses the Secret can expose the password, or open connections that the budget does not count.",
    source: "https://kubernetes.io/docs/concepts/security/secrets-good-practices/",
    date: "2026-11-30",
    severity: "acknowledge",
    check: (settings, path) => {
      const { secret } = kubernetesNames(settings.release);
      const guarded = guardsOf(platform, settings).map(([own]) => own);
      const isNamedHere = ({ path: own, text }: TextAt) => {
        const last = own.at(-1);
        return text === secret && NAMES_SECRET.test(isNamed(last) ? String(own.at(-2)) : (last ?? "")) && collision(own, guarded) === null;
      };
      return once(
        textsIn(settings.values)
          .filter(isNamedHere)
          .map(({ path: own }) =>
            atValue(
              path,
              own,
              "names the Secret that the wiring reads, and the budget does not count connections opened with it",
              "give the program its own database as a platform application, or make sure that it opens no connection",
            ),
          ),
      );
    },
    passing: { values: { env: [{ name: "TOKEN", valueFrom: { secretKeyRef: { name: "mine", key: "token" } } }] } },
    failing: { values: { env: [{ name: "COPY", valueFrom: { secretKeyRef: { name: `${kind}-db`, key: "password" } } }] } },
  };
}

const SECRET = /(passw(or)?d|secret|token|apikey|accesskey|secretkey|authstring|connectionstring|credentials?|privatekey)(value)?$/;
/** Keys that name a Secret or one of its keys, or how it is used. */
const A_NAME = /^(existing|keyof)|(name|ref|file|path)$/;
const squeezed = (text: string): string => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");

/** Whether a name indicates a password. Names such as `passwordKey` name a key of a Secret instead. */
export function isSecretName(name: string): boolean {
  const plain = squeezed(name);
  return SECRET.test(plain) && !A_NAME.test(plain);
}

/** A URL with a password, unless a template or variable is used instead. */
const PASSWORD_IN_URL = /:\/\/[^\s/:@]*:(?!\$\(|\$\{|\{\{)[^\s/@]+@/;

/** Reports other passwords in clear text: they are stored in the release, in templates and in state. */
function passwordRule(kind: string, platform: Platform): PlatformRule {
  return {
    id: `${kind}-values-in-clear`,
    why: "The password is stored in the release, in templates and in state, where more people can read it than may log in.",
    source: "https://kubernetes.io/docs/concepts/security/secrets-good-practices/",
    date: "2026-11-30",
    severity: "warning",
    check: (settings, path) => {
      const keys = keysOf(platform, settings);
      const guarded = guardsOf(platform, settings).map(([guard]) => guard);
      return once(
        textsIn(settings.values).flatMap(({ path: own, text }) => {
          const last = own.at(-1);
          const isValue = last === "value" && isNamed(own.at(-2));
          const step = isValue ? own.at(-2) : last;
          const name = step === undefined || isOfReference(own) ? "" : isNamed(step) ? "" : step;
          const called = isValue && isNamed(step) ? step.named : name;
          if (text === "" || text === "true" || text === "false" || /^\{\{|^\$\(/.test(text)) return [];
          if (!isSecretName(called) && !PASSWORD_IN_URL.test(text)) return [];
          return [
            atValue(
              path,
              isValue ? own.slice(0, -1) : own,
              "is stored in clear text in the release and in state",
              remedyOf(own, isValue, keys, guarded),
            ),
          ];
        }),
      );
    },
    passing: { values: { env: [{ name: "API_TOKEN", valueFrom: { secretKeyRef: { name: "mine", key: "token" } } }] } },
    failing: { values: { auth: { adminPassword: "in clear" } } },
  };
}

/** Keys that charts use for a bucket's name. */
const BUCKET = /^(bucket(Name)?|(metadata|userData)Container)$/;

/** Reports an invalid bucket name: charts build the URL themselves. */
function bucketRule(kind: string): PlatformRule {
  return {
    id: `${kind}-buckets-are-names`,
    why: "A chart puts the name into a URL, and no object store has such a bucket, so artifacts are lost when they are written.",
    source: "https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
    date: "2026-11-30",
    severity: "warning",
    check: ({ values }, path) =>
      textsIn(values)
        .filter(({ path: own, text }) => BUCKET.test(String(own.at(-1))) && !text.includes("{{") && /[A-Z\s:/]/.test(text))
        .map(({ path: own }) =>
          atValue(path, own, "is not a valid bucket name", "write it in lower case, without a scheme and a path, such as ml-artifacts"),
        ),
    passing: { values: { store: { bucket: "ml_artifacts.example.com" } } },
    failing: { values: { store: { bucket: "s3://ml-artifacts" } } },
  };
}

const isOfReference = (path: Path): boolean => path.some((step) => typeof step === "string" && /(ref|from)$/i.test(step));

/** Returns how the chart reads the value from a Secret: by reference in a list of variables, or from the nearest value that names a Secret. */
function remedyOf(path: Path, isValue: boolean, keys: ChartKeys, guarded: readonly Path[]): string {
  if (isValue) return "write valueFrom: { secretKeyRef: { name: ..., key: ... } } in place of value";
  const steps = path.filter((step): step is string => typeof step === "string");
  for (let depth = steps.length - 1; depth >= 0; depth -= 1) {
    const above = steps.slice(0, depth);
    const node = above.reduce<ChartKeys | string | undefined>((inner, step) => (typeof inner === "object" ? inner[step] : undefined), keys);
    if (typeof node !== "object") continue;
    const found = Object.keys(node).find(
      (key) => /^existing\w*secret$|secretref$|^extrasecretnames/.test(key.toLowerCase()) && collision([...above, key], guarded) === null,
    );
    if (found !== undefined) return `name a Secret that contains it in values.${[...above, found].join(".")}`;
  }
  return "keep it in a Secret, or use the pods' service account instead";
}
