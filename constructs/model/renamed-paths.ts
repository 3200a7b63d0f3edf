import { SpecError } from "./errors";

/**
 * Resolves a spec that a part of the library composed, and reports its violations where the caller wrote the settings.
 *
 * @param paths beginnings of paths in the spec, and what the caller knows them as; the first that fits is replaced first.
 * @throws SpecError with the caller's paths.
 */
export function withRenamedPaths<T>(paths: Readonly<Record<string, string>>, resolve: () => T): T {
  try {
    return resolve();
  } catch (error) {
    if (!(error instanceof SpecError)) throw error;
    const rename = (text: string) => Object.entries(paths).reduce((renamed, [from, to]) => renamed.replaceAll(from, to), text);
    throw new SpecError(error.violations.map((found) => ({ ...found, path: rename(found.path), remedy: rename(found.remedy) })));
  }
}
