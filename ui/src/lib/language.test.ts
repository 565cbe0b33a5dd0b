import { describe, expect, it } from "vitest";
import { localeOf, repairNavigator, sane } from "./language";

describe("the browser's language", () => {
  it.each([
    ["C", "en-US"],
    ["C.UTF-8", "en-US"],
    ["", "en-US"],
    [undefined, "en-US"],
    ["tr_TR.UTF-8", "tr-TR"],
    ["de-AT", "de-AT"],
  ])("%s becomes %s", (tag, expected) => {
    expect(sane(tag)).toBe(expected);
    expect(() => new Intl.NumberFormat(sane(tag))).not.toThrow();
  });
  it("chooses Turkish for Turkish and English for the rest", () => {
    expect(localeOf("tr_TR.UTF-8")).toBe("tr");
    expect(localeOf("TR")).toBe("tr");
    expect(localeOf("de-AT")).toBe("en");
    expect(localeOf("C")).toBe("en");
  });
  it("is repaired where it is none, and left alone where it is one", () => {
    const broken = { language: "C", languages: ["C"] } as unknown as Navigator;
    repairNavigator(broken);
    expect([broken.language, broken.languages]).toEqual(["en-US", ["en-US"]]);
    const fine = { language: "tr-TR", languages: ["tr-TR", "en"] } as unknown as Navigator;
    repairNavigator(fine);
    expect(fine.languages).toEqual(["tr-TR", "en"]);
  });
});
