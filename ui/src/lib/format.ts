// Figures as people read them. Amounts, heights and ids come as decimal strings of any length and never
// pass through a float.

import type { Locale } from "./language";

const TAGS: Record<Locale, string> = { en: "en-US", tr: "tr-TR" };

/** Formatters as they were made: making one costs many times what it then takes to use it. */
function kept<Options, Formatter>(make: (tag: string, options: Options) => Formatter) {
  const made = new Map<string, Formatter>();
  return (locale: Locale, options: Options): Formatter => {
    const key = locale + JSON.stringify(options);
    let formatter = made.get(key);
    if (!formatter) made.set(key, (formatter = make(TAGS[locale], options)));
    return formatter;
  };
}
const numbers = kept((tag, options: Intl.NumberFormatOptions) => new Intl.NumberFormat(tag, options));
const times = kept((tag, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(tag, options));

/** What stands where there is no figure. */
export const NONE = "–";

/** `"1234567"` as `1,234,567`; what is no decimal stays as it is. */
export function whole(text: string | null | undefined, locale: Locale): string {
  if (text === null || text === undefined || text === "") return NONE;
  if (!/^-?\d+$/.test(text)) return text;
  return numbers(locale, {}).format(BigInt(text));
}

/** A number with at most `digits` after the point. */
export function number(value: number | null | undefined, locale: Locale, digits = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  return numbers(locale, { maximumFractionDigits: digits }).format(value);
}

/** A measured value with four significant digits, in exponential form where it is very large or small. */
export function measure(value: number | null | undefined, locale: Locale): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential(2);
  return numbers(locale, { maximumSignificantDigits: 4 }).format(value);
}

/** A share of 0 to 1 as a percentage. */
export function percent(share: number | null | undefined, locale: Locale, digits = 1): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return NONE;
  return numbers(locale, { style: "percent", maximumFractionDigits: digits }).format(share);
}

/** Bytes in binary units. */
export function bytes(count: number | string | null | undefined, locale: Locale): string {
  const value = typeof count === "string" ? Number(count) : count;
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE;
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let size = value;
  let unit = 0;
  while (Math.abs(size) >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || Math.abs(size) >= 100 ? 0 : 1;
  return `${number(size, locale, digits)} ${units[unit]}`;
}

/** Seconds in the largest two units that say something: `2 h 5 min`, `45 s`. */
export function duration(seconds: number | null | undefined, locale: Locale): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NONE;
  const names =
    locale === "tr"
      ? { day: "gün", hour: "sa", minute: "dk", second: "sn" }
      : { day: "d", hour: "h", minute: "min", second: "s" };
  const left = Math.max(0, Math.round(seconds));
  const parts: [number, string][] = [
    [Math.floor(left / 86_400), names.day],
    [Math.floor(left / 3600) % 24, names.hour],
    [Math.floor(left / 60) % 60, names.minute],
    [left % 60, names.second],
  ];
  const first = parts.findIndex(([count]) => count > 0);
  if (first < 0) return `0 ${names.second}`;
  return parts
    .slice(first, first + 2)
    .filter(([count], index) => index === 0 || count > 0)
    .map(([count, name]) => `${count} ${name}`)
    .join(" ");
}

/** How long ago `at` was, in whole seconds; `null` where there is no time. */
export function ageSeconds(at: string | null | undefined, now: number): number | null {
  if (!at) return null;
  const time = Date.parse(at);
  return Number.isNaN(time) ? null : Math.max(0, Math.floor((now - time) / 1000));
}

/** `at` as a date and time of this place. */
export function moment(at: string | null | undefined, locale: Locale): string {
  if (!at || Number.isNaN(Date.parse(at))) return NONE;
  return times(locale, { dateStyle: "medium", timeStyle: "medium" }).format(new Date(at));
}

/** `at` as a time of day. */
export function timeOfDay(at: string | null | undefined, locale: Locale): string {
  if (!at || Number.isNaN(Date.parse(at))) return NONE;
  return times(locale, { timeStyle: "medium" }).format(new Date(at));
}

/** When something began: the time of day, with the date where that is not today's. */
export function began(at: string, now: number, locale: Locale): string {
  const today = new Date(at).toDateString() === new Date(now).toDateString();
  return (today ? timeOfDay : moment)(at, locale);
}

/** The first and last characters of a long id. */
export function shortened(text: string, head = 10, tail = 6): string {
  return text.length <= head + tail + 1 ? text : `${text.slice(0, head)}…${text.slice(-tail)}`;
}
