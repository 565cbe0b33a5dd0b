import { describe, expect, it } from "vitest";
import { Failure } from "../backend/failure";
import { Loaded } from "./loaded.svelte";

describe("an answer", () => {
  it("that was asked for earlier does not replace a later one", async () => {
    const answers: ((text: string) => void)[] = [];
    const loaded = new Loaded(() => new Promise<string>((resolve) => answers.push(resolve)));
    const first = loaded.reload();
    const second = loaded.reload();
    answers[1]!("second");
    await second;
    answers[0]!("first");
    await first;
    expect(loaded.value).toBe("second");
  });
  it("stays when the next one fails, and the failure is told", async () => {
    let fails = false;
    const loaded = new Loaded(async () => {
      if (fails)
        throw new Failure({ code: "network", message: "reach the chain: refused", remedy: "check it" });
      return 1;
    });
    await loaded.reload();
    fails = true;
    await loaded.reload();
    expect([loaded.value, loaded.error?.remedy, loaded.busy]).toEqual([1, "check it", false]);
  });
});
