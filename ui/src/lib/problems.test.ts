import { describe, expect, it } from "vitest";
import { problemText } from "./problems";

describe("the engine's word on a value", () => {
  it("is in the language of the screen where its form is known", () => {
    expect(problemText("must be at least 1, is 0", "en")).toBe("must be at least 1, is 0");
    expect(problemText("must be at least 1, is 0", "tr")).toBe("en az 1 olmalı, girilen: 0");
    expect(problemText("something new", "tr")).toBe("something new");
  });
});
