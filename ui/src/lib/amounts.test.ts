import { describe, expect, it } from "vitest";
import { coins, display } from "./amounts";

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
});
