import { describe, expect, it } from "vitest";
import { world } from "../backend/memory/scenarios";
import { current, mayGoOn } from "./steps";

describe("the setup's place", () => {
  const fresh = world("fresh").snapshot;
  it("is the welcome for who has chosen no role", () => {
    expect(current(null, fresh)).toBe("welcome");
  });
  it("is the step in the address, whatever is done", () => {
    expect(current("register", fresh)).toBe("register");
    expect(current("nowhere", fresh)).toBe("welcome");
  });
  it("is the first step that is not done, else the last", () => {
    const begun = { ...fresh, preferences: { ...fresh.preferences, role: "proposer" as const } };
    expect(current(null, { ...begun, setup: { ...begun.setup, next: "keys" } })).toBe("keys");
    expect(current(null, world("running").snapshot)).toBe("ready");
  });
  it("is held up by what the operator owes, and not by what others decide", () => {
    expect(mayGoOn("keys", fresh)).not.toBeNull();
    expect(mayGoOn("authorization", fresh)).toBeNull();
    expect(mayGoOn("keys", world("running").snapshot)).toBeNull();
  });
});
