import { describe, expect, it } from "vitest";
import { coin, coins, display, listed, typed, unit } from "./amounts";

const plain = { rewardDenom: "remes", rewardExponent: 0 };
const micro = { rewardDenom: "uremes", rewardExponent: 6 };

describe("amounts", () => {
  it("are whole units where the network shifts nothing", () => {
    expect(display("1234567890123456789012", "remes", plain, "en")).toBe("1,234,567,890,123,456,789,012");
  });
  it("are shifted in the reward denom alone", () => {
    expect(display("1234500000", "uremes", micro, "en")).toBe("1,234.5");
    expect(display("1234500000", "uremes", micro, "tr")).toBe("1.234,5");
    expect(display("7", "uremes", micro, "en")).toBe("0.000007");
    expect(display("-1000000", "uremes", micro, "en")).toBe("-1");
    expect(display("1000000", "stake", micro, "en")).toBe("1,000,000");
  });
  it("are told in the shifted unit", () => {
    expect(coin("12345678", "uremes", micro, "en")).toBe("12.345678 REMES");
    expect(coin("12345678", "uremes", micro, "tr")).toBe("12,345678 REMES");
    expect(coin("7", "stake", micro, "en")).toBe("7 stake");
    expect(coins([{ amount: "620000000", denom: "uremes" }], micro, "en")).toBe("620 REMES");
  });
  it("lose the letter of their own exponent only", () => {
    expect(unit("uremes", { rewardDenom: "uremes", rewardExponent: 3 })).toBe("UREMES");
    expect(unit("remes", { rewardDenom: "remes", rewardExponent: 6 })).toBe("REMES");
    expect(unit("aremes", { rewardDenom: "aremes", rewardExponent: 18 })).toBe("REMES");
    expect(unit("uno", { rewardDenom: "uno", rewardExponent: 6 })).toBe("UNO");
    expect(unit("remes", plain)).toBe("remes");
  });
  it("carry their denoms", () => {
    expect(
      coins(
        [
          { amount: "620", denom: "remes" },
          { amount: "-5000", denom: "stake" },
        ],
        plain,
        "en",
      ),
    ).toBe("620 remes, -5,000 stake");
    expect(coins([], plain, "en")).toBe("");
  });
  it("are read with the mark of the language, and with no other", () => {
    expect(typed(" 1234.5 ", "en")).toBe("1234.5");
    expect(typed("1234,5", "tr")).toBe("1234.5");
    // What groups digits stays what the engine refuses.
    expect(typed("1,234", "en")).toBe("1,234");
    expect(typed("1.234", "tr")).toBe("1,234");
  });
  it("are a dash where there are none", () => {
    expect(listed([], micro, "en")).toBe("–");
    expect(listed([{ amount: "1500000", denom: "uremes" }], micro, "en")).toBe("1.5 REMES");
  });
});
