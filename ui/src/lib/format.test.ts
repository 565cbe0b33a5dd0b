import { describe, expect, it } from "vitest";
import { ageSeconds, began, bytes, duration, measure, NONE, percent, shortened, whole } from "./format";

describe("whole", () => {
  it("groups decimals that no float can hold", () => {
    expect(whole("90071992547409931", "en")).toBe("90,071,992,547,409,931");
    expect(whole("90071992547409931", "tr")).toBe("90.071.992.547.409.931");
    expect(whole("-1200", "en")).toBe("-1,200");
  });
  it("tells nothing from zero", () => {
    expect(whole(null, "en")).toBe(NONE);
    expect(whole("0", "en")).toBe("0");
  });
});

describe("measured values", () => {
  it("keep four digits and turn exponential at the ends", () => {
    expect(measure(3.14159, "en")).toBe("3.142");
    expect(measure(0.0000123, "en")).toBe("1.23e-5");
    expect(measure(12345678, "en")).toBe("1.23e+7");
    expect(measure(0, "en")).toBe("0");
    expect(measure(Number.NaN, "en")).toBe(NONE);
  });
  it("show shares in the manner of the language", () => {
    expect(percent(0.957, "en")).toBe("95.7%");
    expect(percent(0.957, "tr")).toBe("%95,7");
  });
});

describe("bytes", () => {
  it("are binary, with a digit only where it matters", () => {
    expect(bytes(512, "en")).toBe("512 B");
    expect(bytes("1536", "en")).toBe("1.5 KiB");
    expect(bytes(250 * 1024 ** 3, "en")).toBe("250 GiB");
  });
});

describe("duration", () => {
  it("has at most two units", () => {
    expect(duration(0, "en")).toBe("0 s");
    expect(duration(45, "en")).toBe("45 s");
    expect(duration(125, "en")).toBe("2 min 5 s");
    expect(duration(7200, "en")).toBe("2 h");
    expect(duration(90_061, "tr")).toBe("1 gün 1 sa");
  });
  it("is never negative", () => {
    expect(duration(-5, "en")).toBe("0 s");
  });
});

describe("ages", () => {
  it("count from the given now and never below zero", () => {
    const now = Date.parse("2026-11-24T12:00:30Z");
    expect(ageSeconds("2026-11-24T12:00:00Z", now)).toBe(30);
    expect(ageSeconds("2026-11-24T12:00:40Z", now)).toBe(0);
    expect(ageSeconds(null, now)).toBeNull();
    expect(ageSeconds("yesterday", now)).toBeNull();
  });
});

describe("a beginning", () => {
  it("has the date where it was not today", () => {
    const now = Date.parse("2026-11-24T12:00:30");
    expect(began("2026-11-24T10:03:12", now, "tr")).toBe("10:03:12");
    expect(began("2026-11-23T10:03:12", now, "tr")).toBe("23 Kas 2026 10:03:12");
  });
});

describe("ids", () => {
  it("are shortened in the middle only when long", () => {
    expect(shortened("short")).toBe("short");
    expect(shortened("remes1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqzz")).toBe("remes1qqqq…qqqqzz");
  });
});
