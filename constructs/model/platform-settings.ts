import { type CommonFields, commonFields, PLATFORM_ELSEWHERE } from "./common-fields";
import { type Report, readFields, type Settings } from "./fields";
import type { Platform } from "./platform";
import { ifReadable, UNREADABLE, withSettings } from "./unreadable";

/** Reads a platform's settings, and completes them with the newest verified version of its chart. */
export function readPlatform(name: string, platform: Platform, written: unknown, path: string, report: Report): Settings<CommonFields> {
  const fields = { ...commonFields(name), ...platform.fields };
  const read = readFields(fields, written, path, report, PLATFORM_ELSEWHERE) as Settings<CommonFields>;
  const chartVersion = ifReadable(() => read.chartVersion || (platform.chart(read)?.verified[0].version ?? ""), UNREADABLE);
  return withSettings(read, { chartVersion }) as Settings<CommonFields>;
}

/** Returns the default settings of a platform. */
export const defaultSettings = (kind: string, platform: Platform): Settings<CommonFields> =>
  readPlatform(kind, platform, {}, "", () => undefined);
